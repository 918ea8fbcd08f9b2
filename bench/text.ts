/**
 * Cheap text that differs from call to call. A gateway that compresses or hashes bodies would look faster than it is if
 * every call said the same; drawing each word by itself would make the load generator the thing that is measured.
 */

const words = `about above across agent answer ask before begin between branch bridge bright build call careful change
city clear close cloud cold common count course cover cross deep design detail draw early earth east edge engine
evening every example fact family field figure final find first follow forest form garden gather general glass gold
good grain green ground group grow half hand harbour heart heavy history hold home hour house hundred idea inside iron
island join journey just keep kind lake land language large late learn leave letter level light line list little long
machine make many map mark market matter measure memory metal middle mill minute model morning mountain move name near
never night north note number observe ocean often open order other paper part pass path pattern people place plain
plan point power press problem quarter question quick quiet rain reach ready reason record region river road round
rule salt same sand school season second sentence shape share ship short side signal silver simple small snow song
sound south space stand start state station steel step still stone story stream street strong summer surface system
table thing thought thousand time town track trade train travel tree turn under until valley value village voice wait
walk wall water weather week weight west wheel while wide wind window winter wonder wood word work world write year`.split(
  /\s+/,
)

/** A power of two, so that an index wraps with a mask. */
const count = 4096

const scramble = (n: number) => Math.imul(n ^ (n >>> 15), 0x9e3779b1) >>> 0

/** Three to five words each, with a blank before every word, as tokens have. Nothing in them needs escaping in JSON. */
const phrases = Array.from({ length: count }, (_, phrase) =>
  Array.from({ length: 3 + (phrase % 3) }, (_, word) => ` ${words[scramble(phrase * 8 + word) % words.length]}`).join(
    '',
  ),
)

/** The phrase at one place of one call's text. */
export const phrase = (call: number, place: number): string =>
  phrases[(scramble(call) + Math.imul(place, 0x6c8e9cf5 >>> 3)) & (count - 1)] as string

/** `length` phrases in a row, beginning at a place. */
export function passage(call: number, place: number, length: number): string {
  let text = ''
  for (let i = place; i < place + length; i++) text += phrase(call, i)
  return text
}
