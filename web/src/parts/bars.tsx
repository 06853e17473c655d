/** Decisions per minute as bars; the failed ones in red. The numbers are there for who cannot see them. */
import type { StatsMinute } from '../api/types.ts'

export const Bars = ({ minutes, label }: { readonly minutes: readonly StatsMinute[]; readonly label: string }) => {
  const peak = Math.max(0, ...minutes.map(({ decisions }) => decisions))
  const most = Math.max(1, peak)
  const total = minutes.reduce((sum, { decisions }) => sum + decisions, 0)
  const failed = minutes.reduce((sum, minute) => sum + minute.failed, 0)
  const text =
    total === 0 ? `${label}: none` : `${label}: ${total} in all, ${failed} failed, ${peak} at most in one minute`
  return (
    <figure className="stack tight">
      <svg
        className="bars"
        viewBox={`0 0 ${minutes.length} 100`}
        preserveAspectRatio="none"
        role="img"
        aria-label={text}
      >
        {minutes.map((minute, at) => (
          <g key={minute.at}>
            <rect
              x={at + 0.1}
              width={0.8}
              y={100 - (minute.decisions / most) * 100}
              height={(minute.decisions / most) * 100}
            />
            <rect
              className="failed"
              x={at + 0.1}
              width={0.8}
              y={100 - (minute.failed / most) * 100}
              height={(minute.failed / most) * 100}
            />
          </g>
        ))}
      </svg>
      <figcaption className="hint">{text}</figcaption>
    </figure>
  )
}
