/** Numbers over time as bars; the failed ones in red. What they say is there for who cannot see them. */
export interface Bar {
  readonly at: string
  readonly value: number
  /** Part of it. */
  readonly failed?: number
}

export const Bars = ({ bars, text }: { readonly bars: readonly Bar[]; readonly text: string }) => {
  const most = Math.max(Number.MIN_VALUE, ...bars.map(({ value }) => value))
  const heightOf = (value: number): number => (value / most) * 100
  return (
    <figure className="stack tight">
      <svg className="bars" viewBox={`0 0 ${bars.length} 100`} preserveAspectRatio="none" role="img" aria-label={text}>
        {bars.map(({ at, value, failed = 0 }, index) => (
          <g key={at}>
            <rect x={index + 0.1} width={0.8} y={100 - heightOf(value)} height={heightOf(value)} />
            <rect className="failed" x={index + 0.1} width={0.8} y={100 - heightOf(failed)} height={heightOf(failed)} />
          </g>
        ))}
      </svg>
      <figcaption className="hint">{text}</figcaption>
    </figure>
  )
}
