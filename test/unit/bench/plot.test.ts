import { expect, test } from 'vitest'
import { drawPlot, scaleOf } from '../../../bench/plot.ts'

test('a scale begins and ends at a round number, and equal factors are equal distances', () => {
  const { at, ticks } = scaleOf([12, 9000], 0, 300)

  expect([at(10), at(100), at(1000), at(10_000)].map(Math.round)).toEqual([0, 100, 200, 300])
  expect(ticks).toEqual([10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000])
})

test('a single value has a scale, too', () => {
  const { at } = scaleOf([100], 0, 10)

  expect(Number.isFinite(at(100))).toBe(true)
})

test('a plot holds its texts as text, a line for each series and a mark for each point', () => {
  const svg = drawPlot({
    title: 'Time & "memory" <by> size',
    xLabel: 'files',
    yLabel: 's',
    limit: { y: 5, label: 'limit' },
    series: [
      {
        name: 'status',
        points: [
          [10, 1],
          [100, 2],
        ],
      },
      {
        name: 'sync',
        points: [
          [10, 1],
          [100, 9],
        ],
      },
    ],
  })

  expect(svg).toContain('Time &amp; &quot;memory&quot; &lt;by> size')
  expect(svg.match(/<circle/g)).toHaveLength(4)
  expect(svg).toContain('>status<')
  expect(svg).toContain('>limit<')
  expect(svg).not.toContain('NaN')
})
