/** A command to be copied. */
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { useSay } from './toast.tsx'

export const Snippet = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const [copied, setCopied] = useState(false)
  const say = useSay()
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => {
        setCopied(true)
        setTimeout(setCopied, 2_000, false)
      },
      () => say('The browser does not allow copying here: select the text instead.', 'bad'),
    )
  }
  return (
    <div className="snippet">
      <pre>{text}</pre>
      <button type="button" className="button" aria-label={`Copy ${label}`} onClick={copy}>
        {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  )
}
