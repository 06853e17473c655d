/** A gutter that says of each line whether it was reached: a bar, a hollow bar, or a cross, so that it needs no colours. */
import { RangeSet, StateEffect, StateField, type Extension, type Text } from '@codemirror/state'
import { gutter, GutterMarker } from '@codemirror/view'
import type { Lines } from '../api/types.ts'

type Look = 'covered' | 'failed' | 'missed'

const words = {
  covered: 'Reached, and it held',
  failed: 'Reached, and it did not hold',
  missed: 'Not reached',
} as const satisfies Readonly<Record<Look, string>>

class Mark extends GutterMarker {
  readonly look: Look

  constructor(look: Look) {
    super()
    this.look = look
  }

  override eq(other: Mark): boolean {
    return this.look === other.look
  }

  override toDOM(): Node {
    const mark = document.createElement('span')
    mark.className = `reach ${this.look}`
    mark.title = words[this.look]
    return mark
  }
}

const marks = { covered: new Mark('covered'), failed: new Mark('failed'), missed: new Mark('missed') }

export const setCoverage = StateEffect.define<Lines | null>()

const marksOf = (lines: Lines | null, doc: Text): RangeSet<GutterMarker> => {
  if (lines === null) return RangeSet.empty
  const failed = new Set(lines.failed)
  const looks = [
    ...lines.covered.map((line) => [line, failed.has(line) ? 'failed' : 'covered'] as const),
    ...lines.notCovered.map((line) => [line, 'missed'] as const),
  ]
  const known = looks.filter(([line]) => line <= doc.lines).toSorted(([a], [b]) => a - b)
  return RangeSet.of(known.map(([line, look]) => marks[look].range(doc.line(line).from)))
}

/** They go with their lines until the next answer. */
const field = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update: (value, transaction) =>
    transaction.effects.reduce(
      (set, effect) => (effect.is(setCoverage) ? marksOf(effect.value, transaction.state.doc) : set),
      transaction.docChanged ? value.map(transaction.changes) : value,
    ),
})

export const coverageGutter: Extension = [
  field,
  gutter({ class: 'cm-reach', markers: (view) => view.state.field(field), initialSpacer: () => marks.covered }),
]
