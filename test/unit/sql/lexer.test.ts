import { describe, expect, it } from 'vitest'
import { Lexer, type TokenKind } from '../../../src/sql/lexer.ts'

type Read = readonly [TokenKind, string]

function readAll(text: string): readonly Read[] {
  const lexer = new Lexer(text)
  const tokens: Read[] = []
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    tokens.push([kind, text.slice(lexer.start, lexer.end)])
  }
  return tokens
}

describe('Lexer', () => {
  it.each<[string, string, readonly Read[]]>([
    [
      'words with digits and dollars',
      'a1 a$b$c _x',
      [
        ['word', 'a1'],
        ['word', 'a$b$c'],
        ['word', '_x'],
      ],
    ],
    [
      'words outside of ASCII',
      'größe 表',
      [
        ['word', 'größe'],
        ['word', '表'],
      ],
    ],
    [
      'a doubled quote',
      "'it''s' x",
      [
        ['literal', "'it''s'"],
        ['word', 'x'],
      ],
    ],
    [
      'a backslash before the end of a plain string',
      "'a\\' x",
      [
        ['literal', "'a\\'"],
        ['word', 'x'],
      ],
    ],
    [
      'a backslash and a quote in an escape string',
      "E'a\\'b' x",
      [
        ['literal', "E'a\\'b'"],
        ['word', 'x'],
      ],
    ],
    [
      'two backslashes at the end of an escape string',
      "e'\\\\' x",
      [
        ['literal', "e'\\\\'"],
        ['word', 'x'],
      ],
    ],
    [
      'a doubled quote in an escape string',
      "e'''\\'' x",
      [
        ['literal', "e'''\\''"],
        ['word', 'x'],
      ],
    ],
    [
      'an escape string continued on the next line',
      "E'a'\n  'b\\'c' x",
      [
        ['literal', "E'a'\n  'b\\'c'"],
        ['word', 'x'],
      ],
    ],
    ['an escape string continued behind a comment', "E'a' -- c\n'b\\''", [['literal', "E'a' -- c\n'b\\''"]]],
    [
      'no continuation on the same line',
      "E'a' '\\' x",
      [
        ['literal', "E'a'"],
        ['literal', "'\\'"],
        ['word', 'x'],
      ],
    ],
    [
      'a word that ends in e before a quote',
      "type'a\\' x",
      [
        ['word', 'type'],
        ['literal', "'a\\'"],
        ['word', 'x'],
      ],
    ],
    [
      'prefixed strings',
      "B'01' X'1F' n'é' U&'\\0041'",
      [
        ['literal', "B'01'"],
        ['literal', "X'1F'"],
        ['literal', "n'é'"],
        ['literal', "U&'\\0041'"],
      ],
    ],
    [
      'quoted identifiers',
      '"a;""b" U&"d\\0061t"',
      [
        ['quoted', '"a;""b"'],
        ['quoted', 'U&"d\\0061t"'],
      ],
    ],
    [
      'u and an ampersand that belong to nothing',
      'u & b',
      [
        ['word', 'u'],
        ['symbol', '&'],
        ['word', 'b'],
      ],
    ],
    [
      'dollar quotes',
      "$$a'b$$ $t$ $$ $x$ $t$",
      [
        ['literal', "$$a'b$$"],
        ['literal', '$t$ $$ $x$ $t$'],
      ],
    ],
    ['a dollar tag with digits and other letters', '$ü_1$;$ü_1$', [['literal', '$ü_1$;$ü_1$']]],
    ['a tag that differs in case', '$A$ $a$ $A$', [['literal', '$A$ $a$ $A$']]],
    ['a dollar before the closing tag', '$a$ $$a$', [['literal', '$a$ $$a$']]],
    [
      'parameters',
      '$1$$;$$',
      [
        ['number', '$1'],
        ['literal', '$$;$$'],
      ],
    ],
    [
      'a dollar that opens nothing',
      '$ $a b',
      [
        ['symbol', '$'],
        ['symbol', '$'],
        ['word', 'a'],
        ['word', 'b'],
      ],
    ],
    [
      'numbers',
      '1 1.5e10 0x1F 1_000',
      [
        ['number', '1'],
        ['number', '1.5e10'],
        ['number', '0x1F'],
        ['number', '1_000'],
      ],
    ],
    [
      'a line comment',
      "-- it's\nx",
      [
        ['comment', "-- it's"],
        ['word', 'x'],
      ],
    ],
    [
      'a line comment that a carriage return ends',
      '-- a\rx',
      [
        ['comment', '-- a'],
        ['word', 'x'],
      ],
    ],
    [
      'a comment that begins in an operator',
      '@--;\n+/*;*/',
      [
        ['symbol', '@'],
        ['comment', '--;'],
        ['symbol', '+'],
        ['comment', '/*;*/'],
      ],
    ],
    [
      'nested comments',
      '/* /* */ */ x',
      [
        ['comment', '/* /* */ */'],
        ['word', 'x'],
      ],
    ],
    [
      'stars and slashes',
      '/***/ /*/ */ /**/',
      [
        ['comment', '/***/'],
        ['comment', '/*/ */'],
        ['comment', '/**/'],
      ],
    ],
    [
      'a line comment inside of a block comment',
      '/* -- */ x',
      [
        ['comment', '/* -- */'],
        ['word', 'x'],
      ],
    ],
    [
      'a meta-command',
      "\\echo it's; $$\nx",
      [
        ['meta-command', "\\echo it's; $$"],
        ['word', 'x'],
      ],
    ],
    ['a byte order mark at the start', '\uFEFFx', [['word', 'x']]],
    ['all white space', ' \t\r\n\f\vx', [['word', 'x']]],
  ])('reads %s', (_, text, tokens) => {
    expect(readAll(text)).toEqual(tokens)
  })

  it.each(["'a", "'a''", "E'a\\'", "E'a\\", '"a', '$$a$', '$a$ $A$', '/* /* */', "U&'", "E'a'\n'b"])(
    'says that %j is not terminated, and takes it whole',
    (text) => {
      const lexer = new Lexer(text)
      lexer.next()
      expect([lexer.isTerminated, lexer.end]).toEqual([false, text.length])
      expect(lexer.next()).toBe('end')
    },
  )

  it('gives keywords in upper case and leaves what could only look like one', () => {
    const keywords = ['begin', '"begin"', "'begin'", 'ſtdin', 'ınto'].map((text) => {
      const lexer = new Lexer(text)
      lexer.next()
      return lexer.keyword()
    })
    expect(keywords).toEqual(['BEGIN', '"begin"', "'begin'", 'ſtdin', 'ınto'])
  })

  it('stays inside of the part that it is given', () => {
    const lexer = new Lexer('one two three', 4, 7)
    expect([lexer.next(), lexer.keyword(), lexer.next(), lexer.next()]).toEqual(['word', 'TWO', 'end', 'end'])
  })
})
