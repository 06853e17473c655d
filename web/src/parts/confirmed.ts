/** Which servers know of what has to hold on all of them. */
export interface Confirmed {
  readonly confirmed: readonly string[]
  readonly pending?: readonly string[]
}

export const confirmedText = ({ confirmed, pending = [] }: Confirmed): string =>
  pending.length === 0
    ? `${confirmed.length} ${confirmed.length === 1 ? 'server has' : 'servers have'} confirmed it`
    : `${pending.join(', ')} did not confirm in time; it stands all the same`
