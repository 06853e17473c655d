/** Short words about what was done, read out to who cannot see them. */
import { X } from 'lucide-react'
import { createContext, use, useCallback, useRef, useState, type ReactNode } from 'react'

interface Toast {
  readonly id: number
  readonly text: string
  readonly tone: 'good' | 'bad'
}

type Say = (text: string, tone?: Toast['tone']) => void

const ToastContext = createContext<Say>(() => undefined)

export const useSay = (): Say => use(ToastContext)

export const ToastProvider = ({ children }: { readonly children: ReactNode }) => {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const next = useRef(0)
  const drop = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), [])
  const say = useCallback<Say>(
    (text, tone = 'good') => {
      const id = next.current++
      setToasts((all) => [...all.slice(-3), { id, text, tone }])
      // An error stays until it is closed.
      if (tone === 'good') setTimeout(drop, 8_000, id)
    },
    [drop],
  )
  return (
    <ToastContext value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, text, tone }) => (
          <div key={id} className={`notice toast ${tone}`}>
            <span>{text}</span>
            <button type="button" className="button plain" aria-label="Close" onClick={() => drop(id)}>
              <X aria-hidden="true" />
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  )
}
