// The legend of the colours, on which values and ranges can be picked as conditions.
import {make, counted, short} from './dom.js';
import {EXCLUDED, SELECTED} from './map.js';

const NAMED = [  // bright and muted in turn, so that frequent values differ most
  '#3b78b8', '#e8602c', '#2f9150', '#b8a010', '#a13a8f', '#35b5cf', '#d23b4e', '#7a62c9', '#8a5a2b', '#e58fc0',
  '#93b9de', '#f3b08a', '#93cf9f', '#6d6a1a', '#5b2a5e', '#1c6f80', '#f09aa4', '#c0b3ee', '#cfa878', '#40508f',
];
const OTHERS = 254, MISSING = 255, OTHERS_COLOR = '#9a9a9a', MISSING_COLOR = '#c9c9c9';
const RAMP = ['#46186b', '#3f4a8a', '#2a788e', '#27a884', '#7ad151', '#f5e02a'];  // dark to light
const NUM_LEVELS = 250;

// The colours of all codes, as RGB in a Uint8Array of 256 x 3.
export function paletteOf(kind, style) {
  const palette = new Uint8Array(256 * 3);
  const set = (code, color) => palette.set(rgbOf(color), 3 * code);
  if (kind === 'number') {
    for (let k = 0; k < NUM_LEVELS; k++) palette.set(rampAt(k / (NUM_LEVELS - 1)), 3 * k);
  } else NAMED.forEach((color, k) => set(k, color));
  set(OTHERS, OTHERS_COLOR);
  set(MISSING, MISSING_COLOR);
  set(EXCLUDED, style.getPropertyValue('--rule').trim());
  set(SELECTED, style.getPropertyValue('--ink').trim());
  return palette;
}

// Fills `box`; `pick(condition)` is called with '' or a condition on the column.
export function showLegend(box, column, legend, pick) {
  const canPick = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(column);
  box.replaceChildren();
  if (legend.kind === 'number') showHistogram(box, column, legend, canPick ? pick : null);
  else showValues(box, column, legend, canPick ? pick : null);
  for (const [name, color] of [['others', OTHERS_COLOR], ['missing', MISSING_COLOR]])
    if (legend[name]) box.append(entry(color, name === 'others' ? 'other values' : 'no value', legend[name]));
}

function entry(color, text, count) {
  const dot = make('i');
  dot.style.background = color;
  return make('button', {disabled: true, title: text}, dot,
    make('span', {className: 'name'}, text), make('span', {className: 'count'}, counted(count)));
}

function showValues(box, column, legend, pick) {
  const picked = new Set();
  legend.values.forEach(({text, count}, k) => {
    const button = entry(NAMED[k], text, count);
    button.disabled = !pick;
    button.onclick = () => {
      picked.has(text) ? picked.delete(text) : picked.add(text);
      button.setAttribute('aria-pressed', picked.has(text));
      const isTruth = column.startsWith('is_') && ['True', 'False'].includes(text);
      const choices = [...picked].map(choice => isTruth ? choice : JSON.stringify(choice));
      pick(!choices.length ? '' : `${column} in (${choices.join(', ')},)`);
    };
    box.append(button);
  });
}

function showHistogram(box, column, legend, pick) {
  const canvas = make('canvas', {width: 500, height: 120});
  const range = make('div', {className: 'range'});
  const {low, high, counts} = legend, most = Math.max(...counts, 1), pen = canvas.getContext('2d');
  const valueAt = share => low + (high - low) * share;
  const draw = (from, to) => {
    pen.clearRect(0, 0, 500, 120);
    counts.forEach((count, k) => {
      const isInside = (k + 1) / counts.length > from && k / counts.length < to;
      pen.fillStyle = `rgb(${rampAt((k + 0.5) / counts.length)})`;
      pen.globalAlpha = isInside ? 1 : 0.2;
      const height = count ? Math.max(116 * count / most, 2) : 0;
      pen.fillRect(500 * k / counts.length, 120 - height, 500 / counts.length - 1, height);
    });
    range.replaceChildren(make('span', {}, short(valueAt(from))), make('span', {}, short(valueAt(to))));
  };
  const shareAt = event => {
    const {left, width} = canvas.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1);
  };
  let start = null;
  if (pick) {
    canvas.title = 'Drag to choose a range; click for all';
    canvas.onpointerdown = event => { start = shareAt(event); canvas.setPointerCapture(event.pointerId); };
    canvas.onpointermove = event => {
      if (start !== null) draw(Math.min(start, shareAt(event)), Math.max(start, shareAt(event)));
    };
    canvas.onpointerup = event => {
      const [from, to] = [start, shareAt(event)].sort((a, b) => a - b);
      start = null;
      const isAll = to - from < 0.01;
      draw(isAll ? 0 : from, isAll ? 1 : to);
      // The first and the last bin also hold what is beyond the percentiles.
      const parts = [from > 0 ? `${column} >= ${short(valueAt(from))}` : '', to < 1 ? `${column} <= ${short(valueAt(to))}` : ''];
      pick(isAll ? '' : parts.filter(Boolean).join(' and '));
    };
  }
  draw(0, 1);
  box.append(canvas, range);
}

function rgbOf(color) {
  const digits = color.length === 4 ? [...color.slice(1)].map(digit => digit + digit).join('') : color.slice(1);
  return [0, 2, 4].map(k => parseInt(digits.slice(k, k + 2), 16));
}

function rampAt(share) {
  const place = share * (RAMP.length - 1), k = Math.min(Math.floor(place), RAMP.length - 2);
  const [a, b] = [rgbOf(RAMP[k]), rgbOf(RAMP[k + 1])];
  return a.map((value, axis) => Math.round(value + (b[axis] - value) * (place - k)));
}
