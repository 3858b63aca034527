// Helpers of the page. Text from the pool is only ever set as text, never as HTML.

export const byId = id => document.getElementById(id);

// Makes an element: make('b', {id: 'x'}, 'text', otherElement).
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Fetches an address below that of the page. Throws an Error with the server's message.
export async function request(name, query = {}, options = {}) {
  let response;
  try {
    response = await fetch(`${name}?${new URLSearchParams(query)}`, options);
  } catch {
    throw new Error('The command simhand explore is no longer running.');
  }
  if (!response.ok) throw new Error(await response.text());
  return response;
}

// The crop of a hand; read by the server when it is displayed.
export const cropOf = row =>
  make('img', {src: `crop?row=${row}`, loading: 'lazy', alt: 'no crop', draggable: false});

// One byte per hand from one bit per hand, and back; the first hand is in the lowest bit.
export function unpack(bits, count) {
  const values = new Uint8Array(count);
  for (let k = 0; k < count; k++) values[k] = bits[k >> 3] >> (k & 7) & 1;
  return values;
}

export function pack(values) {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let k = 0; k < values.length; k++) if (values[k]) bits[k >> 3] |= 1 << (k & 7);
  return bits;
}

// The rows of the hands whose value is not zero.
export function rowsOf(values) {
  const rows = [];
  for (let row = 0; row < values.length; row++) if (values[row]) rows.push(row);
  return rows;
}

export const counted = count => count.toLocaleString('en');

export function short(value) {
  if (typeof value !== 'number') return value === null ? '–' : String(value);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}
