/**
 * Which files of a source are read, and what is said about those that cannot be: one rule for Git and directories.
 * Knows names and sizes only; what a file means is `src/policy`'s business.
 */
import { sha256 } from '../../src/policy/digest.ts'
import type { Finding, SourceFile } from '../../src/policy/schema.ts'

export interface FileLimits {
  /** Bytes of one data.json. */
  readonly maxData: number
  /** Bytes of any other file. */
  readonly maxFile?: number
}

export const defaultFileLimits = { maxData: 32 * 1024 * 1024, maxFile: 4 * 1024 * 1024 } as const

const extensions = ['.rego', '.json', '.yaml', '.yml']

/** A file that Edict would read; pictures, documents and the like are none of its business. */
export function isWanted(path: string): boolean {
  return extensions.some((extension) => path.endsWith(extension))
}

/** Dot files, folders of tools: never part of a source. */
export function isIgnored(path: string): boolean {
  return path
    .split('/')
    .some((segment) => segment === 'node_modules' || (segment.startsWith('.') && segment !== '.' && segment !== '..'))
}

/** Why a path cannot be trusted as a name, or null. */
export function badName(path: string): string | null {
  if (path.includes('\uFFFD')) return 'its name is not UTF-8'
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return 'its name holds a control character or a backslash'
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    return 'its name leads out of its folder'
  return null
}

export function sizeFinding(path: string, size: number, limits: FileLimits): Pick<Finding, 'code' | 'message'> | null {
  const isData = path === 'data.json' || path.endsWith('/data.json')
  const limit = isData ? limits.maxData : (limits.maxFile ?? defaultFileLimits.maxFile)
  if (size <= limit) return null
  return {
    code: isData ? 'data_too_large' : 'file_too_large',
    message: `${path} has ${size} bytes, the limit is ${limit}`,
  }
}

/** An error where something wanted is lost by it, otherwise a warning. A link may stand for a folder of policies. */
export function fileFinding(source: string, file: string, code: string, message: string): Finding {
  const isError = isWanted(file) || code === 'symlink' || code === 'submodule'
  return { code, severity: isError ? 'error' : 'warning', message, source, file: printable(file) }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The content as text, or null when it is not UTF-8. */
export function readText(bytes: Uint8Array): Pick<SourceFile, 'digest' | 'text'> | null {
  try {
    return { text: decoder.decode(bytes), digest: sha256(bytes) }
  } catch {
    return null
  }
}

// oxlint-disable-next-line no-control-regex
const printable = (name: string): string => name.replace(/[\u0000-\u001f\u007f]/g, '?')
