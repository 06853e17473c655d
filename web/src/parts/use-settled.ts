/** A value once it has not changed for a while. Compared as JSON. */
import { useEffect, useState } from 'react'

export const useSettled = <T>(value: T, afterMs: number): T => {
  const [settled, setSettled] = useState(value)
  const text = JSON.stringify(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(text) as T), afterMs)
    return () => clearTimeout(timer)
  }, [text, afterMs])
  return settled
}
