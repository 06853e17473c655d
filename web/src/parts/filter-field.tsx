/** The field that filters what a page lists; `/` goes to it. */
export const FilterField = ({
  label,
  placeholder = 'Filter  ( / )',
  value,
  onChange,
}: {
  readonly label: string
  readonly placeholder?: string
  readonly value: string
  readonly onChange: (value: string) => void
}) => (
  <input
    className="filter"
    type="search"
    data-filter
    aria-label={label}
    placeholder={placeholder}
    value={value}
    onChange={(event) => onChange(event.target.value)}
  />
)
