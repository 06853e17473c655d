/** `net.lookup_ip_addr`: names that the configuration allows, and addresses, which are their own answer. */
import type { OutsideExtension } from '../extension.ts'
import { permittedAddresses } from '../outbound.ts'
import { parseAddress, printAddress } from './net/address.ts'
import { setOf as setType, string } from './types.ts'
import { asString, setOf } from './values.ts'

export const lookup: readonly OutsideExtension[] = [
  {
    name: 'net.lookup_ip_addr',
    decl: { args: [string], result: setType(string) },
    kind: 'read',
    doc: 'The addresses of a host that the configuration allows.',
    impl: ([name], { outbound }) => {
      const host = asString(name)
      const address = parseAddress(host)
      if (address !== undefined) return setOf([printAddress(address)])
      return permittedAddresses(outbound, host, undefined).then((found) => setOf(found.map((one) => one.address)))
    },
  },
]
