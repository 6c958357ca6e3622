const values = new WeakMap<Secret, string>()

/**
 * A value that must not be shown: it prints, inspects and serialises as `***`.
 * The value itself is kept outside the object, so that no debugger dump or JSON holds it.
 */
export class Secret {
  constructor(value: string) {
    values.set(this, value)
  }

  /** The value. Call it only where it is handed to a connection or to the redactor. */
  reveal(): string {
    return values.get(this) ?? ''
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }
}

// What Node's inspect looks for. A computed name in the class could not be declared for others.
Object.defineProperty(Secret.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: () => '***' })
