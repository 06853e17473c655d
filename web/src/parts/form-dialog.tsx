/** A dialog that asks before a change: fields, what went wrong, cancel and submit. It closes when the change is made. */
import type { ReactNode } from 'react'
import { Button, type ButtonProps } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Problem } from './problem.tsx'

interface Change {
  readonly error: Error | null
  readonly isPending: boolean
  readonly mutate: (input: undefined, options: { readonly onSuccess: () => void }) => void
}

export const FormDialog = ({
  title,
  about,
  change,
  submit: { label, ...look },
  onClose,
  children,
}: {
  readonly title: string
  readonly about: ReactNode
  readonly change: Change
  /** `because`: why it cannot be submitted yet. */
  readonly submit: Pick<ButtonProps, 'look' | 'because' | 'action'> & { readonly label: string }
  readonly onClose: () => void
  readonly children: ReactNode
}) => (
  <Dialog title={title} about={about} open onClose={onClose}>
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (look.because === undefined) change.mutate(undefined, { onSuccess: onClose })
      }}
    >
      {children}
      {change.error !== null && <Problem error={change.error} />}
      <div className="row end">
        <Button onClick={onClose}>Cancel</Button>
        <Button {...look} submit busy={change.isPending}>
          {label}
        </Button>
      </div>
    </form>
  </Dialog>
)
