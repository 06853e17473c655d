/** A change of the server: says how it went, and has everything asked for again that it may have changed. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useSay } from './toast.tsx'

export const useChange = <Input, Output>({
  run,
  done,
}: {
  readonly run: (input: Input) => Promise<Output>
  /** What to say of it. */
  readonly done: (output: Output, input: Input) => string
}) => {
  const client = useQueryClient()
  const say = useSay()
  return useMutation({
    mutationFn: run,
    onSuccess: (output, input) => {
      say(done(output, input))
      void client.invalidateQueries()
    },
    onError: (error: Error) => say(error.message, 'bad'),
  })
}
