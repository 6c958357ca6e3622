import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** So many characters of a secret are told from chance. */
const WINDOW = 8

/** Every way in which somebody who means no harm could write a text down. */
function formsOf(secret: string): readonly string[] {
  // A process gets its variables as UTF-8, which has no halves of characters.
  const text = secret.replace(/\p{Cs}/gu, '\ufffd')
  const encoded = encodeURIComponent(text)
  const bytes = Buffer.from(text)
  const everyByte = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return [
    text,
    text.trim(),
    text.replaceAll(/\s+/g, ' '),
    encoded,
    encoded.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    encodeURIComponent(encoded),
    encoded.replaceAll('%20', '+'),
    everyByte,
    everyByte.toUpperCase(),
    JSON.stringify(text).slice(1, -1),
    JSON.stringify(JSON.stringify(text)).slice(3, -3),
    text.replaceAll("'", "''"),
    text.replaceAll("'", String.raw`'\''`),
    text.replaceAll(/[^\w\n]/gu, String.raw`\$&`),
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset)),
  ]
}

/** The characters that base64 has for these bytes alone when they begin at an offset in what is encoded. */
function base64At(bytes: Buffer, offset: number): readonly string[] {
  const all = Buffer.concat([Buffer.alloc(offset), bytes])
  const inside = (text: string): string => text.slice(Math.ceil((offset * 8) / 6), Math.floor((all.length * 8) / 6))
  return [inside(all.toString('base64')), inside(all.toString('base64url'))]
}

/** Every piece of every form of a secret that must stand nowhere: 8 characters each, or the whole of a shorter form. */
function piecesOf(secret: string): ReadonlySet<string> {
  const pieces = new Set<string>()
  for (const form of formsOf(secret)) {
    if (form.length < WINDOW) pieces.add(form)
    for (let at = 0; at + WINDOW <= form.length; at++) pieces.add(form.slice(at, at + WINDOW))
  }
  // Of fewer characters the redactor makes no secret, and chance makes many.
  return new Set([...pieces].filter((piece) => piece.trim().length >= 4))
}

/**
 * The pieces of a secret that stand in a text, as it is or where a line was broken. `excused` is what the same run says
 * with another secret: what stands there tells nothing.
 */
export function findPieces(secret: string, text: string, excused: string): readonly string[] {
  const [seen, harmless] = [text, excused].map((one) => `${one}\n${one.replaceAll(/\s+/g, ' ')}`)
  return [...piecesOf(secret)].filter((piece) => seen?.includes(piece) === true && harmless?.includes(piece) === false)
}

/** The text of every file that a run has left in a folder, save for those that were there before. */
export function readLeftFiles(dir: string, before: ReadonlySet<string>): string {
  return filesIn(dir)
    .filter((path) => !before.has(path))
    .map((path) => `${path}\n${readFileSync(join(dir, path), 'latin1')}\n${readFileSync(join(dir, path), 'utf8')}`)
    .join('\n')
}

/** All files of a folder, as paths from it. */
export function filesIn(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
}
