/** The lines that differ between two texts, with three lines around them; empty when none does. */
import { structuredPatch } from 'diff'

export const lineDiff = (before: string, after: string): string =>
  structuredPatch('', '', before, after, '', '', { context: 3 })
    .hunks.map(
      ({ oldStart, oldLines, newStart, newLines, lines }) =>
        `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@\n${lines.join('\n')}`,
    )
    .join('\n')
