/** Where the built console lies: beside the compiled code, also when the code runs as it was written. */
import { fileURLToPath } from 'node:url'

const place = import.meta.url.endsWith('.ts') ? '../dist/web' : '../web'

export const consoleFolder: string = fileURLToPath(new URL(place, import.meta.url))
