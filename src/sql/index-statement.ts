import { Lexer } from './lexer.ts'

/**
 * The same CREATE INDEX for another table, under another name and without CONCURRENTLY and IF NOT EXISTS; null when the
 * text is not such a statement. It lets the server say how it would write the definition of the index that is wanted.
 */
export function retargetIndex(statement: string, index: string, table: string): string | null {
  const lexer = new Lexer(statement)
  let isUnique = false
  for (;;) {
    const kind = nextToken(lexer)
    if (kind === 'end') return null
    const word = lexer.keyword()
    if (word === 'UNIQUE') isUnique = true
    if (word === 'ON') break
  }
  nextToken(lexer)
  if (lexer.keyword() === 'ONLY') nextToken(lexer)
  // The table's name: words or quoted words with dots between them.
  let end = lexer.end
  while (nextToken(lexer) === 'symbol' && statement.charAt(lexer.start) === '.') {
    nextToken(lexer)
    end = lexer.end
  }
  return `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${index} ON ${table}${statement.slice(end)}`
}

function nextToken(lexer: Lexer): string {
  let kind = lexer.next()
  while (kind === 'comment') kind = lexer.next()
  return kind
}
