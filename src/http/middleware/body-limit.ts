/** The bound of a request body on every route, whether its length is declared or not. */
import { bodyLimit as limitBody } from 'hono/body-limit'
import { EdictError } from '../../errors.ts'

export const bodyLimit = (maxSize: number) =>
  limitBody({
    maxSize,
    onError: () => {
      throw new EdictError('body_too_large', `the body is larger than ${maxSize} bytes`)
    },
  })
