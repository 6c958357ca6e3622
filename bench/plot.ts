/** A line of a plot: points by x, both above zero. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Plot {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
  /** A line that should not be crossed, in units of y. */
  readonly limit?: { readonly y: number; readonly label: string }
}

const [WIDTH, HEIGHT] = [640, 360]
const FRAME = { left: 64, right: 620, top: 40, bottom: 304 }
/** Told apart also by those who see no red and green, and by their dashes. */
const STYLES = [
  { color: '#0072b2', dash: '' },
  { color: '#d55e00', dash: '7 3' },
  { color: '#009e73', dash: '2 3' },
]

/**
 * Draws lines on two logarithmic axes, where what grows linearly has the slope of the diagonal, as an SVG that needs
 * nothing else.
 */
export function drawPlot({ title, xLabel, yLabel, series, limit }: Plot): string {
  const points = series.flatMap((each) => each.points)
  const x = scaleOf(
    points.map(([value]) => value),
    FRAME.left,
    FRAME.right,
  )
  const y = scaleOf(
    [...points.map(([, value]) => value), ...(limit === undefined ? [] : [limit.y])],
    FRAME.bottom,
    FRAME.top,
  )
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(WIDTH / 2, 22, title, 'middle', 15),
    ...x.ticks.flatMap((tick) => [
      line(
        [
          [x.at(tick), FRAME.top],
          [x.at(tick), FRAME.bottom],
        ],
        '#dddddd',
      ),
      text(x.at(tick), FRAME.bottom + 18, shorten(tick), 'middle'),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(
        [
          [FRAME.left, y.at(tick)],
          [FRAME.right, y.at(tick)],
        ],
        '#dddddd',
      ),
      text(FRAME.left - 8, y.at(tick) + 4, shorten(tick), 'end'),
    ]),
    text((FRAME.left + FRAME.right) / 2, FRAME.bottom + 38, xLabel, 'middle'),
    `<g transform="rotate(-90 16 ${(FRAME.top + FRAME.bottom) / 2})">${text(16, (FRAME.top + FRAME.bottom) / 2, yLabel, 'middle')}</g>`,
    ...(limit === undefined
      ? []
      : [
          line(
            [
              [FRAME.left, y.at(limit.y)],
              [FRAME.right, y.at(limit.y)],
            ],
            '#999999',
            '1 4',
          ),
          text(FRAME.right - 4, y.at(limit.y) - 5, limit.label, 'end'),
        ]),
    ...series.flatMap(({ name, points: own }, index) => {
      const { color, dash } = STYLES[index % STYLES.length] ?? { color: '#000000', dash: '' }
      const places = own.map(([px, py]): [number, number] => [x.at(px), y.at(py)])
      const legendX = FRAME.left + index * 140
      return [
        line(places, color, dash, 2),
        ...places.map(([cx, cy]) => `<circle cx="${round(cx)}" cy="${round(cy)}" r="3" fill="${color}"/>`),
        line(
          [
            [legendX, HEIGHT - 8],
            [legendX + 28, HEIGHT - 8],
          ],
          color,
          dash,
          2,
        ),
        text(legendX + 34, HEIGHT - 4, name, 'start'),
      ]
    }),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif">\n${parts.join('\n')}\n</svg>\n`
}

interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

/** From the 1, 2 or 5 at or below the least value to the one at or above the greatest. */
export function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const all: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${power}`))
  }
  const first = all.findLast((tick) => tick <= least) ?? least
  const last = all.find((tick) => tick >= most && tick > first) ?? most
  const span = Math.log(last / first)
  return {
    at: (value) => from + ((to - from) * Math.log(value / first)) / span,
    ticks: all.filter((tick) => tick >= first && tick <= last),
  }
}

function line(points: readonly (readonly [number, number])[], color: string, dash = '', width = 1): string {
  const places = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`
  return `<polyline points="${places}" fill="none" stroke="${color}" stroke-width="${width}"${dashes}/>`
}

function text(x: number, y: number, content: string, anchor: string, size = 12): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}" fill="#222222">${escape(content)}</text>`
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** 10000 as `10k`. */
function shorten(value: number): string {
  return value >= 1000 ? `${value / 1000}k` : `${value}`
}
