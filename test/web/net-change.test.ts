import { expect, it } from 'vitest'
import { netChange } from '../../web/src/pages/net-change.ts'

const did = (change: Partial<Record<'created' | 'replaced' | 'removed', readonly string[]>>) => ({
  ...{ created: [], replaced: [], removed: [] },
  ...change,
})

it('going back removes what was made since, brings back what was removed, and turns back what was replaced', () => {
  const later = [did({ removed: ['old'] }), did({ created: ['new'], replaced: ['kept'] })]
  expect(netChange(later)).toEqual({ removes: ['new'], bringsBack: ['old'], turnsBack: ['kept'] })
})

it('what came and went since is no change; what went and came back may be another', () => {
  const later = [
    did({ removed: ['brief'], created: ['again'] }),
    did({ replaced: ['brief'] }),
    did({ created: ['brief'], removed: ['again'] }),
  ]
  expect(netChange(later)).toEqual({ removes: [], bringsBack: [], turnsBack: ['again'] })
})
