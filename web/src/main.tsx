/** Starts the console. */
import '@fontsource/ibm-plex-mono/latin-400.css'
import '@fontsource/ibm-plex-mono/latin-600.css'
import './design/base.css'
import './design/parts.css'
import './design/pages.css'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/client.ts'
import { nonce } from './nonce.ts'
import { createConsoleRouter } from './router.tsx'
import { keepAnswer } from './session/pending.ts'
import { readTheme } from './session/theme.ts'
import { ToastProvider } from './parts/toast.tsx'

// Styles that a library inserts for as long as a dialog is open carry it, too.
Object.assign(globalThis, { __webpack_nonce__: nonce })

document.documentElement.dataset['theme'] = readTheme()

const mayHelpAgain = (error: Error): boolean =>
  !(error instanceof ApiError) || error.status === 0 || error.status >= 500

/** A session that has ended: the frame asks for a new one. */
const onError = (error: Error): void => {
  if (error instanceof ApiError && error.status === 401) void client.invalidateQueries({ queryKey: ['whoami'] })
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (count, error) => count < 2 && mayHelpAgain(error),
      refetchOnWindowFocus: true,
    },
  },
})

keepAnswer()
const router = createConsoleRouter()
const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <ToastProvider>
          <RouterProvider router={router} />
        </ToastProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
