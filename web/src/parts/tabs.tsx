/** Tabs whose choice stands in the URL. */
import { Tabs as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

export interface Tab {
  readonly id: string
  readonly title: string
  readonly show: () => ReactNode
}

export const Tabs = ({
  tabs,
  chosen,
  onChoose,
  label,
}: {
  readonly tabs: readonly Tab[]
  readonly chosen: string
  readonly onChoose: (id: string) => void
  readonly label: string
}) => (
  <Radix.Root value={chosen} onValueChange={onChoose} className="stack">
    <Radix.List className="tabs" aria-label={label}>
      {tabs.map(({ id, title }) => (
        <Radix.Trigger key={id} value={id}>
          {title}
        </Radix.Trigger>
      ))}
    </Radix.List>
    {tabs.map(({ id, show }) => (
      <Radix.Content key={id} value={id} className="stack">
        {id === chosen && show()}
      </Radix.Content>
    ))}
  </Radix.Root>
)
