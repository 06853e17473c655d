/** A dialog over the page: focus stays in it, Escape closes it. */
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

export const Dialog = ({
  title,
  about,
  open,
  onClose,
  children,
}: {
  readonly title: string
  readonly about: ReactNode
  readonly open: boolean
  readonly onClose: () => void
  readonly children: ReactNode
}) => (
  <Radix.Root open={open} onOpenChange={(now) => (now ? undefined : onClose())}>
    <Radix.Portal>
      <Radix.Overlay className="overlay" />
      <Radix.Content className="dialog">
        <div className="stack">
          <Radix.Title asChild>
            <h2>{title}</h2>
          </Radix.Title>
          <Radix.Description asChild>
            <div>{about}</div>
          </Radix.Description>
          {children}
        </div>
      </Radix.Content>
    </Radix.Portal>
  </Radix.Root>
)
