/** The sections of a WebAssembly module, and of their content what metering has to know. */
import {
  type ByteReader,
  MeterError,
  readByte,
  readBytes,
  readerOf,
  readU32,
  readVector,
  skip,
  skipLeb,
  u32,
} from './bytes.ts'

export const section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  global: 6,
  export: 7,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const

export interface Section {
  readonly id: number
  readonly content: Uint8Array
}

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00] as const

export function readSections(wasm: Uint8Array): readonly Section[] {
  if (header.some((byte, at) => wasm[at] !== byte)) throw new MeterError('no WebAssembly module of version 1')
  const reader = readerOf(wasm, header.length)
  const sections: Section[] = []
  while (reader.at < wasm.length) {
    const id = readByte(reader)
    if (id > section.dataCount) throw new MeterError(`the section ${id} cannot be metered`)
    sections.push({ id, content: readBytes(reader, readU32(reader)) })
  }
  return sections
}

export const headerBytes: readonly number[] = header

export interface Facts {
  /** Number of parameters of each type. */
  readonly parameters: readonly number[]
  readonly importedFunctions: number
  /** Types of the functions that the module defines, in order. */
  readonly functionTypes: readonly number[]
  readonly globals: number
  /** Functions that are called through the table. */
  readonly tabled: ReadonlySet<number>
}

/** Numbers of the globals that are put behind the module's own, and of the stack pointer. */
export const variables = ({ globals }: Pick<Facts, 'globals'>) => ({
  fuel: globals,
  spare: globals + 1,
  offer: globals + 2,
  stack: 0,
})

/** Of a section that is absent: no elements. */
export const contentOf = (sections: readonly Section[], id: number): Uint8Array =>
  sections.find((it) => it.id === id)?.content ?? noElements

const needed = [section.type, section.function, section.global, section.export, section.code]

export function readFacts(sections: readonly Section[]): Facts {
  const isPolicy = needed.every((id) => sections.some((it) => it.id === id))
  if (!isPolicy) throw new MeterError('the module is not what opa builds')
  const content = (id: number): ByteReader => readerOf(contentOf(sections, id))
  const imports = readImports(content(section.import))
  checkStackPointer(content(section.global), imports.globals)
  return {
    parameters: readTypes(content(section.type)),
    importedFunctions: imports.functions,
    functionTypes: readFunctionTypes(content(section.function)),
    globals: imports.globals + readU32(content(section.global)),
    tabled: readTabled(content(section.element)),
  }
}

const noElements = Uint8Array.of(0)

function readTypes(reader: ByteReader): readonly number[] {
  return readVector(reader, () => {
    if (readByte(reader) !== 0x60) throw new MeterError('a type that is no function cannot be metered')
    const parameters = readU32(reader)
    skip(reader, parameters)
    skip(reader, readU32(reader))
    return parameters
  })
}

function readFunctionTypes(reader: ByteReader): readonly number[] {
  return readVector(reader, () => readU32(reader))
}

function readImports(reader: ByteReader): { readonly functions: number; readonly globals: number } {
  const count = { functions: 0, globals: 0 }
  for (let left = readU32(reader); left > 0; left--) {
    skip(reader, readU32(reader))
    skip(reader, readU32(reader))
    const kind = readByte(reader)
    if (kind === 0) {
      count.functions++
      skipLeb(reader)
    } else if (kind === 1) {
      skip(reader, 1)
      skipLimits(reader)
    } else if (kind === 2) skipLimits(reader)
    else if (kind === 3) {
      count.globals++
      skip(reader, 2)
    } else throw new MeterError(`an import of kind ${kind} cannot be metered`)
  }
  return count
}

function skipLimits(reader: ByteReader): void {
  const hasMaximum = readByte(reader) % 2 === 1
  skipLeb(reader)
  if (hasMaximum) skipLeb(reader)
}

/** The host sets global 0 back after an exception: it has to be what LLVM makes of it, a variable of 32 bits. */
function checkStackPointer(reader: ByteReader, imported: number): void {
  const isThere = imported === 0 && readU32(reader) > 0
  const isStackPointer = isThere && readByte(reader) === 0x7f && readByte(reader) === 1 && readByte(reader) === 0x41
  if (!isStackPointer) throw new MeterError('the module has no stack pointer')
}

/** Only the plainest form of segment: function numbers behind a constant offset. */
function readTabled(reader: ByteReader): ReadonlySet<number> {
  const segments = readVector(reader, () => {
    const plain = readByte(reader) === 0 && readByte(reader) === 0x41
    if (!plain) throw new MeterError('the table cannot be metered')
    skipLeb(reader)
    skip(reader, 1)
    return readVector(reader, () => readU32(reader))
  })
  return new Set(segments.flat())
}

/** A section that is a vector, with more elements behind the ones that it has. */
export function appended(content: Uint8Array, elements: readonly (readonly number[])[]): Uint8Array {
  const reader = readerOf(content)
  const length = readU32(reader)
  return Uint8Array.from([...u32(length + elements.length), ...content.subarray(reader.at), ...elements.flat()])
}
