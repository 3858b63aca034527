// The page: connects controls, map, panel and the list of excluded hands.
import {byId, counted, cropOf, make, pack, request, rowsOf, unpack} from './dom.js';
import {showHand, thumbOf} from './hand.js';
import {paletteOf, showLegend} from './legend.js';
import {EXCLUDED, HandMap, SELECTED} from './map.js';

const MAX_THUMBS = 400;
export const map = new HandMap(byId('points'), byId('marks'));
export const state = {overview: null, matching: null, excluded: null, selected: null, conditions: {}, legend: null};

async function start() {
  const overview = state.overview = await (await request('overview')).json();
  const n = overview.num_hands;
  byId('title').textContent = overview.pool;
  document.title = `${overview.pool}: simhand explore`;
  byId('color').append(...overview.columns.map(name => make('option', {}, name)));
  byId('color').value = overview.color;
  map.setPlaces(new Float32Array(await bytesOf('places')));
  state.excluded = unpack(new Uint8Array(await bytesOf('excluded')), n);
  state.selected = new Uint8Array(n);
  state.matching = new Uint8Array(n).fill(1);
  if (!n) byId('message').textContent = 'The pool has no hands.';
  else if (!overview.num_placed)
    byId('message').textContent = 'No hand has usable keypoints, so none is on the map. “Select all shown” lists them.';
  await colorBy(byId('color').value);
  update();
  await followHash();
  document.body.dataset.state = 'ready';
}

const bytesOf = async (name, query) => (await request(name, query)).arrayBuffer();

// Shows errors of what a user does on the page.
const guarded = action => async (...values) => {
  try {
    byId('problem').textContent = '';
    await action(...values);
  } catch (error) {
    byId('problem').textContent = error.message;
  }
};

async function colorBy(column) {
  const content = new Uint8Array(await bytesOf('codes', {column}));
  const length = new DataView(content.buffer).getUint32(0, true);
  state.legend = JSON.parse(new TextDecoder().decode(content.subarray(4, 4 + length)));
  map.codes = content.subarray(4 + length);
  showLegend(byId('legend'), column, state.legend, guarded(condition => {
    if (condition) state.conditions[column] = condition;
    else delete state.conditions[column];
    byId('where').value = Object.values(state.conditions).join(' and ');
    return filter();
  }));
  recolor();
}

function recolor() {
  map.palette = paletteOf(state.legend.kind, getComputedStyle(document.documentElement));
  map.draw();
}

async function filter() {
  const query = {where: byId('where').value.trim(), text: byId('text').value};
  state.matching = unpack(new Uint8Array(await bytesOf('matching', query)), state.overview.num_hands);
  update();
}

// Redraws what depends on the matching, the selected and the excluded hands.
function update() {
  const {matching, selected, excluded, overview} = state, show = byId('show').value;
  const shown = state.shown = new Uint8Array(matching.length);
  let numShown = 0, numExcluded = 0;
  for (let k = 0; k < shown.length; k++) {
    shown[k] = matching[k] && (show === 'all' || (show === 'excluded') === Boolean(excluded[k]));
    map.flags[k] = selected[k] ? SELECTED : excluded[k] ? EXCLUDED : 0;
    numShown += shown[k];
    numExcluded += excluded[k];
  }
  map.setShown(shown);
  const missing = overview.num_hands - overview.num_placed;
  byId('counts').textContent =
    `${counted(numShown)} of ${counted(overview.num_hands)} hands shown` +
    (missing ? ` · not on the map: ${counted(missing)} without usable keypoints` : '') +
    ` · ${overview.exclude_list}: ${counted(numExcluded)} excluded`;
  showSelection();
}

function select(rows) {
  for (const row of rows) state.selected[row] = 1;
  update();
}

function showSelection() {
  const rows = rowsOf(state.selected);
  byId('selection').hidden = !rows.length;
  byId('num-selected').textContent = `${counted(rows.length)} selected`;
  const column = byId('color').value, isNumber = state.legend.kind === 'number';
  const first = isNumber ? lowestCodes(rows) : rows.slice(0, MAX_THUMBS);
  byId('order').textContent = (isNumber ? `by ${column}, lowest first` : 'in the order of the pool') +
    (rows.length > MAX_THUMBS ? `; the first ${MAX_THUMBS}` : '');
  byId('thumbs').replaceChildren(...first.map(row => thumbOf(row, state.excluded[row], open)));
}

// The rows with the lowest codes. Sorting all would take seconds for millions.
function lowestCodes(rows) {
  const byCode = Array.from({length: 256}, () => []);
  for (const row of rows) if (byCode[map.codes[row]].length < MAX_THUMBS) byCode[map.codes[row]].push(row);
  return byCode.flat().slice(0, MAX_THUMBS);
}

async function exclude(rows, isExcluded) {
  const excluded = state.excluded.slice();
  for (const row of rows) excluded[row] = isExcluded ? 1 : 0;
  await request('excluded', {}, {method: 'POST', body: pack(excluded)});
  state.excluded = excluded;
  update();
  if (map.focus.row >= 0) await show(map.focus.row);
}

// The hand that is shown is in the address, so that "back" returns to the one before.
function open(row) { location.hash = `hand=${row}`; }

async function followHash() {
  const row = Number(location.hash.match(/^#hand=(\d+)$/)?.[1] ?? NaN);
  if (row < state.overview.num_hands) await show(row);
}

async function show(row) {
  const hand = await (await request('hand', {row})).json();
  Object.assign(map.focus, {row, positives: hand.positives.map(positive => positive.row)});
  map.drawMarks();
  showHand(byId('hand'), hand, state.overview, other => state.excluded[other],
    {open, exclude: guarded(exclude), isPlaced: map.isPlaced(row)});
}

async function hover(row, left, top) {
  const tip = byId('tip');
  if (row === map.focus.hovered) return;
  map.focus.hovered = row;
  map.drawMarks();
  tip.hidden = row < 0;
  if (row < 0) return;
  const {clientWidth, clientHeight} = tip.parentElement;
  tip.style.left = `${left + 150 > clientWidth ? left - 140 : left + 16}px`;
  tip.style.top = `${Math.max(0, Math.min(top + 16, clientHeight - 190))}px`;
  tip.querySelector('img').src = cropOf(row).src;
  const hand = await (await request('hand', {row})).json(), column = byId('color').value;
  if (map.focus.hovered === row)
    tip.querySelector('span').textContent = hand.hand_id + (column in hand.values ? ` · ${column}: ${hand.values[column]}` : '');
}

function listenToMap() {
  const canvas = byId('marks');
  let last = null, isMoved = false, isLasso = false;
  const placeOf = event => [event.offsetX, event.offsetY];
  canvas.onpointerdown = event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    last = placeOf(event);
    isMoved = false;
    isLasso = event.shiftKey || byId('lasso').getAttribute('aria-pressed') === 'true';
    if (isLasso) map.focus.lasso = [last];
  };
  canvas.onpointermove = guarded(async event => {
    const place = placeOf(event);
    if (!last) return hover(map.rowAt(...place), ...place);
    if (Math.hypot(place[0] - last[0], place[1] - last[1]) < (isMoved ? 1 : 4)) return;
    isMoved = true;
    await hover(-1);
    if (isLasso) map.focus.lasso.push(place);
    else map.pan(place[0] - last[0], place[1] - last[1]);
    last = place;
    map.drawMarks();
  });
  canvas.onpointerup = guarded(event => {
    if (!last) return;
    last = null;
    const {lasso} = map.focus;
    map.focus.lasso = [];
    if (isMoved && isLasso) select(map.rowsInside(lasso));
    map.drawMarks();
    const row = isMoved ? -1 : map.rowAt(...placeOf(event));
    if (row >= 0) open(row);
  });
  canvas.onpointerleave = guarded(() => hover(-1));
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...placeOf(event));
  }, {passive: false});
}

function listenToControls() {
  const tools = ['move', 'lasso'];
  for (const tool of tools) byId(tool).onclick = () => {
    tools.forEach(name => byId(name).setAttribute('aria-pressed', name === tool));
    byId('marks').classList.toggle('lasso', tool === 'lasso');
  };
  const clear = () => { state.selected.fill(0); update(); };
  byId('whole').onclick = () => map.showWhole();
  byId('select-shown').onclick = () => select(rowsOf(state.shown));
  byId('color').onchange = guarded(async event => { await colorBy(event.target.value); showSelection(); });
  byId('where').onchange = guarded(() => { state.conditions = {}; return filter(); });
  byId('text').onchange = guarded(filter);
  byId('show').onchange = update;
  byId('exclude').onclick = guarded(() => exclude(rowsOf(state.selected), true));
  byId('keep').onclick = guarded(() => exclude(rowsOf(state.selected), false));
  byId('clear').onclick = clear;
  addEventListener('keydown', event => { if (event.key === 'Escape') clear(); });
  addEventListener('hashchange', guarded(followHash));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolor);
}

listenToMap();
listenToControls();
guarded(start)();
