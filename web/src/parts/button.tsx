/** A button. One that the server would refuse stays focusable, does nothing, and says why. */
import { useId, type ReactNode } from 'react'
import { useRefusal } from '../session/may.ts'

export interface ButtonProps {
  readonly children: ReactNode
  readonly onClick?: () => void
  readonly look?: 'primary' | 'danger' | 'plain'
  readonly submit?: boolean
  readonly busy?: boolean
  /** Why it cannot be used now. */
  readonly because?: string | undefined
  /** What it does, in the words of the gate. */
  readonly action?: 'change' | 'lock' | 'unlock' | 'approve' | 'rollback' | 'source' | 'token' | 'admin'
  /** To which policy. */
  readonly policy?: string
  readonly label?: string
}

export const Button = ({
  children,
  onClick,
  look,
  submit = false,
  busy = false,
  because,
  action,
  policy,
  label,
}: ButtonProps) => {
  const refused = useRefusal(action, policy)
  const why = refused ?? because
  const id = useId()
  const off = busy || why !== undefined
  const button = (
    <button
      type={submit ? 'submit' : 'button'}
      className={`button ${look ?? ''}`}
      aria-disabled={off}
      aria-busy={busy}
      aria-label={label}
      aria-describedby={why === undefined ? undefined : id}
      onClick={(event) => {
        if (off) event.preventDefault()
        else onClick?.()
      }}
    >
      {children}
    </button>
  )
  if (why === undefined) return button
  return (
    <span className="gated">
      {button}
      <span id={id} className="why">
        {why}
      </span>
    </span>
  )
}
