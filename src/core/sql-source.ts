/** Text that is run, and where it stands in a file: line and column of a place in it follow from that. */
export interface SqlSource {
  readonly sql: string
  /** The path as shown to people. */
  readonly file: string
  /** The line of the file at which `sql` begins, 1-based. */
  readonly firstLine: number
  /** What stands in the file before each line of `sql`: the marks of comments. Absent where nothing does. */
  readonly marks?: readonly string[]
}
