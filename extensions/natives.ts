/**
 * Builtins that OPA's WASM runtime has and answers otherwise than OPA's Go evaluator: the engine asks these instead,
 * for all arguments or for those where the two part. A policy needs no capability for them.
 */
import type { PureExtension } from './extension.ts'
import { nativeArithmetic } from './opa/native/arithmetic.ts'
import { nativeEncoding } from './opa/native/encoding.ts'
import { nativeNumbers } from './opa/native/numbers.ts'
import { nativeStrings } from './opa/native/strings.ts'
import { nativeNet } from './opa/net.ts'

export const natives: readonly PureExtension[] = [
  ...nativeArithmetic,
  ...nativeEncoding,
  ...nativeNet,
  ...nativeNumbers,
  ...nativeStrings,
]
