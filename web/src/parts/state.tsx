/** A state as icon, word and colour together; the words are the API's. */
import {
  Ban,
  CircleCheck,
  CircleSlash,
  CircleX,
  Clock,
  GitMerge,
  History,
  Lock,
  RefreshCw,
  ShieldAlert,
  TriangleAlert,
  type LucideIcon,
} from 'lucide-react'

type Tone = 'good' | 'warn' | 'bad' | 'info' | 'quiet'

const looks = {
  Ready: [CircleCheck, 'good'],
  Applied: [CircleCheck, 'good'],
  Reconciling: [RefreshCw, 'info'],
  Waiting: [Clock, 'info'],
  Locked: [Lock, 'warn'],
  Quarantined: [ShieldAlert, 'bad'],
  Stalled: [TriangleAlert, 'bad'],
  Conflict: [GitMerge, 'bad'],
  Failed: [CircleX, 'bad'],
  active: [CircleCheck, 'good'],
  expired: [Clock, 'quiet'],
  revoked: [Ban, 'warn'],
  error: [CircleX, 'bad'],
  passed: [CircleCheck, 'good'],
  failed: [CircleX, 'bad'],
  skipped: [CircleSlash, 'quiet'],
  warning: [TriangleAlert, 'warn'],
  Rejected: [Ban, 'warn'],
  Stale: [History, 'quiet'],
  Superseded: [History, 'quiet'],
} as const satisfies Readonly<Record<string, readonly [LucideIcon, Tone]>>

export type StateWord = keyof typeof looks

export const State = ({ word }: { readonly word: StateWord }) => {
  const [Icon, tone] = looks[word]
  return (
    <span className={`state ${tone}`}>
      <Icon aria-hidden="true" />
      {word}
    </span>
  )
}
