/**
 * What a compiled policy exports, by OPA's WASM ABI 1.2 and 1.3 and by metering.
 * https://www.openpolicyagent.org/docs/wasm
 */
import type { meterExports } from '../meter/meter.ts'
import { AbiError } from './errors.ts'

export interface Exports {
  readonly opa_eval: (
    reserved: 0,
    entrypoint: number,
    data: number,
    input: number,
    inputLength: number,
    heap: number,
    wantValue: 0 | 1,
  ) => number
  readonly opa_malloc: (size: number) => number
  readonly opa_heap_ptr_get: () => number
  readonly opa_heap_ptr_set: (address: number) => void
  readonly opa_json_parse: (address: number, length: number) => number
  readonly opa_json_dump: (value: number) => number
  readonly opa_value_parse: (address: number, length: number) => number
  readonly opa_value_dump: (value: number) => number
  readonly entrypoints: () => number
  readonly builtins: () => number
  readonly [meterExports.fuel]: WebAssembly.Global
  readonly [meterExports.stack]: WebAssembly.Global
  readonly [meterExports.spare]: WebAssembly.Global
  readonly [meterExports.offer]: WebAssembly.Global
  readonly [lazy: `edict_opa_${string}`]: ((...values: number[]) => number) | undefined
}

export function checkExports(exports: WebAssembly.Exports): Exports {
  const { opa_wasm_abi_version: major, opa_wasm_abi_minor_version: minor } = exports
  const version = [major, minor].map(globalValue).join('.')
  if (version !== '1.2' && version !== '1.3') throw new AbiError(`unsupported ABI version ${version}`)
  // The version stands for the exports: it is the module's word, and the one assertion on it.
  return exports as unknown as Exports
}

const globalValue = (value: unknown): unknown => (value instanceof WebAssembly.Global ? value.value : undefined)

/** WASM hands addresses over as signed numbers. */
export const address = (signed: number): number => signed >>> 0
