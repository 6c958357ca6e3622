// Adds up what fault campaigns have printed, on one machine or several, and prints the table of docs/reliability.md.
// Usage: node scripts/add-up-faults.js <log>…
// A log is the output of one or more runs; of each it takes the lines that begin with "faults | ".
import { readFileSync } from 'node:fs'

const LINE =
  /^faults \| (?<title>.+?)(?: \(of \d+\))?(?:, part (?<part>\d+)\/(?<of>\d+))? \| (?<cases>\d+) cases \| (?<struck>\d+) struck \| (?<violations>\d+) violations \| (?<seconds>\d+) s \| seed \d+ \|\s*(?<endings>.*)$/

const logs = process.argv.slice(2)
if (logs.length === 0) {
  console.error('Usage: node scripts/add-up-faults.js <log>…')
  process.exit(2)
}

/** What is known of each campaign, by its title. */
const campaigns = new Map()
for (const log of logs) {
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const found = LINE.exec(line.trim())?.groups
    if (found === undefined) {
      if (line.startsWith('faults | ')) console.error(`${log}: not understood: ${line}`)
      continue
    }
    const campaign = campaigns.get(found.title) ?? {
      cases: 0,
      struck: 0,
      violations: 0,
      seconds: 0,
      parts: new Set(),
      endings: new Map(),
    }
    campaigns.set(found.title, campaign)
    const part = found.part === undefined ? null : `${found.part}/${found.of}`
    if (part !== null && campaign.parts.has(part)) {
      console.error(`${log}: ${found.title}: part ${part} is there twice; the second one is left out.`)
      continue
    }
    if (part !== null) campaign.parts.add(part)
    for (const key of ['cases', 'struck', 'violations', 'seconds']) campaign[key] += Number(found[key])
    for (const [, ending, count] of found.endings.matchAll(/(\S.*?) \((\d+)\)(?:, |$)/g))
      campaign.endings.set(ending, (campaign.endings.get(ending) ?? 0) + Number(count))
  }
}

const row = (cells) => console.log(`| ${cells.join(' | ')} |`)
row(['campaign', 'cases', 'struck', 'violations', 'how the runs ended'])
row(['---', '--:', '--:', '--:', '---'])
const total = { cases: 0, struck: 0, violations: 0, seconds: 0 }
for (const [title, campaign] of campaigns) {
  for (const key of Object.keys(total)) total[key] += campaign[key]
  const endings = [...campaign.endings].toSorted((a, b) => b[1] - a[1]).map(([ending, count]) => `${ending} (${count})`)
  row([title, campaign.cases, campaign.struck, campaign.violations, endings.join(', ')])
}
row(['all', total.cases, total.struck, total.violations, ''])

for (const [title, { parts }] of campaigns) {
  const of = [...parts][0]?.split('/')[1]
  if (of === undefined) continue
  const missing = Array.from({ length: Number(of) }, (_, index) => `${index + 1}/${of}`).filter(
    (part) => !parts.has(part),
  )
  if (missing.length > 0) console.error(`${title}: missing are ${missing.join(', ')}`)
}
process.exit(total.violations === 0 ? 0 : 1)
