/** How the console is built: relative addresses, so that a path prefix of a reverse proxy does no harm; hashed names. */
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [react()],
  // The server replaces it, anew in each answer.
  html: { cspNonce: '%CSP_NONCE%' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    manifest: true,
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(['/api', '/policy', '/openapi.json'].map((path) => [path, 'http://127.0.0.1:8081'])),
  },
})
