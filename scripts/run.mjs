/** `npm run edict`, `bench`, `conformance`, `docs`: compiles when something has changed, then becomes the compiled program. */
import { become, setUp } from './setup.mjs'

const [file, ...args] = process.argv.slice(2)
await setUp({ tools: false })
await become(file, args)
