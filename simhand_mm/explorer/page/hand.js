// The panel of one hand: its crop, its columns, and its positives.
import {make, short, cropOf} from './dom.js';

const FINGERS = ['#d55e00', '#f0c828', '#009e73', '#3c96dc', '#cc79a7'];
const SVG = 'http://www.w3.org/2000/svg';
const options = {keypoints: true, asFilmed: false};

// A small picture of a hand that calls `open(row)`.
export function thumbOf(row, isExcluded, open, ...captions) {
  const thumb = make('button', {className: 'thumb', onclick: () => open(row)}, cropOf(row), ...captions);
  thumb.dataset.row = row;
  thumb.classList.toggle('excluded', Boolean(isExcluded));
  return thumb;
}

// Fills `box` with a hand, as the server describes it.
export function showHand(box, hand, overview, isExcluded, {open, exclude, isPlaced}) {
  const state = isExcluded(hand.row);
  box.replaceChildren(
    make('h2', {}, hand.hand_id),
    picture(hand, overview.crop_size),
    make('div', {className: 'bar'},
      make('button', {id: 'toggle-hand', onclick: () => exclude([hand.row], !state)}, state ? 'Keep this hand' : 'Exclude this hand'),
      make('span', {className: 'excluded-note'}, state ? 'excluded' : ''),
      ...(isPlaced ? [] : [make('span', {}, 'Not on the map: its keypoints cannot be used.')])),
    make('h3', {}, overview.pairs ? `Pairs “${overview.pairs}”` : 'Pairs'),
    positives(hand, overview, isExcluded, open),
    make('h3', {}, 'Columns'),
    make('table', {}, ...Object.entries(hand.values).map(([name, value]) =>
      make('tr', {}, make('td', {}, name), make('td', {}, short(value))))));
}

function picture(hand, side) {
  const crop = make('div', {className: 'crop'}, cropOf(hand.row), skeleton(hand.keypoints_2d, side));
  const update = () => {
    crop.lastChild.style.display = options.keypoints ? '' : 'none';
    crop.style.transform = options.asFilmed && hand.is_mirrored ? 'scaleX(-1)' : '';
  };
  update();
  const box = make('div', {}, crop, make('div', {className: 'bar'}, checkbox('keypoints', 'keypoints', update)));
  if (hand.is_mirrored)
    box.lastChild.append(checkbox('asFilmed', 'left hand, stored mirrored: show as filmed', update));
  return box;
}

function checkbox(option, text, update) {
  const input = make('input', {type: 'checkbox', checked: options[option]});
  input.onchange = () => { options[option] = input.checked; update(); };
  return make('label', {}, input, ` ${text}`);
}

// Lines from the wrist along each finger. Pixel centres are at integer coordinates.
function skeleton(keypoints, side) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 1 1');
  const at = k => keypoints[k].map(value => value === null ? null : (value + 0.5) / side);
  for (let k = 1; k < keypoints.length; k++) {
    const [from, to] = [at(k % 4 === 1 ? 0 : k - 1), at(k)];
    if ([...from, ...to].includes(null)) continue;
    const line = document.createElementNS(SVG, 'line');
    ['x1', 'y1', 'x2', 'y2'].forEach((name, place) => line.setAttribute(name, [...from, ...to][place]));
    line.setAttribute('stroke', FINGERS[(k - 1) >> 2]);
    svg.append(line);
  }
  return svg;
}

function positives(hand, overview, isExcluded, open) {
  if (!overview.pairs) return make('p', {className: 'soft'}, overview.advice);
  if (!hand.positives.length) return make('p', {className: 'soft'}, 'This hand has no positive.');
  return make('div', {className: 'grid'}, ...hand.positives.map(({rank, row, hand_id, distance}) => {
    const thumb = thumbOf(row, isExcluded(row), open, `Top-${rank}`, make('br'), short(distance));
    thumb.title = hand_id;
    return thumb;
  }));
}
