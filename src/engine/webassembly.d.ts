/** The part of the WebAssembly JavaScript API that Edict uses: TypeScript has it only with the whole of the DOM. */
declare namespace WebAssembly {
  class Module {
    private readonly brand
    constructor(bytes: Uint8Array)
  }
  class Instance {
    readonly exports: Exports
    constructor(module: Module, imports: Readonly<Record<string, Imports>>)
  }
  class Memory {
    readonly buffer: ArrayBuffer
    constructor(descriptor: { readonly initial: number; readonly maximum: number })
  }
  class Global {
    /** Of 32 bits, the only ones here. */
    value: number
    private constructor()
  }
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  type Imports = Readonly<Record<string, Memory | HostFunction>>
  type HostFunction = (...args: number[]) => number | undefined
  type Exports = Readonly<Record<string, unknown>>

  function compile(bytes: Uint8Array): Promise<Module>
}
