/** Light, dark, or as the system says. */
export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const key = 'edict.theme'

export const readTheme = (): Theme => themes.find((theme) => theme === localStorage.getItem(key)) ?? 'system'

export const writeTheme = (theme: Theme): void => {
  localStorage.setItem(key, theme)
  document.documentElement.dataset['theme'] = theme
}
