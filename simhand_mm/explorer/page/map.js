// The map: draws every shown hand as a point, and tells which one is under the pointer.
// Points are drawn by the CPU into an image, so that it works without a GPU; a second image of row
// numbers answers which hand is where.

export const EXCLUDED = 252, SELECTED = 253; // codes of the palette that no column uses
const MOVING = 250000;  // points that are drawn while the map moves
const STEP = 0.6180339887;  // order of drawing: evenly mixed, so that no video covers another

export class HandMap {
  constructor(points, marks) {
    this.points = points;
    this.marks = marks;
    this.places = new Float32Array(0);
    this.codes = new Uint8Array(0);
    this.flags = new Uint8Array(0);  // EXCLUDED or SELECTED, or 0
    this.order = new Int32Array(0);  // rows of the shown hands
    this.palette = new Uint8Array(256 * 3);
    this.view = this.whole = {x: 0, y: 0, scale: 1};
    this.focus = {row: -1, positives: [], hovered: -1, lasso: []};
    this.pending = false;
    this.limit = Infinity;  // number of points to draw
    new ResizeObserver(() => this.resize()).observe(points);
  }

  setPlaces(places) {
    this.places = places;
    this.codes = new Uint8Array(places.length / 2);
    this.flags = new Uint8Array(places.length / 2);
    this.showWhole();
  }

  // Shows the hands whose entry in `isShown` is not zero.
  setShown(isShown) {
    const n = isShown.length, order = new Int32Array(n);
    let step = Math.max(1, Math.round(n * STEP)), count = 0;
    while (greatestDivisor(step, n) > 1) step++;
    for (let k = 0, row = 0; k < n; k++, row = (row + step) % n)
      if (isShown[row] && this.places[2 * row] === this.places[2 * row]) order[count++] = row;
    this.order = order.slice(0, count);
    this.draw();
  }

  resize() {
    const ratio = devicePixelRatio || 1, box = this.points.getBoundingClientRect();
    const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
    const isWhole = this.view === this.whole, {width: oldWidth, height: oldHeight} = this.points;
    for (const canvas of [this.points, this.marks]) Object.assign(canvas, {width, height});
    this.ratio = ratio;
    this.image = new ImageData(width, height);
    this.counts = new Uint32Array(width * height);
    this.colors = new Uint8Array(width * height);
    this.rows = new Int32Array(width * height);
    if (isWhole) this.showWhole();
    else {  // the top left stays where it is
      const {x, y, scale} = this.view;
      this.view = {x: x + (width - oldWidth) / 2 / scale, y: y - (height - oldHeight) / 2 / scale, scale};
    }
    this.draw();
  }

  showWhole() {
    const [left, right] = this.extent(0), [bottom, top] = this.extent(1);
    const {width, height} = this.points;
    const scale = 0.9 * Math.min(width / (right - left || 1), height / (top - bottom || 1));
    this.view = this.whole = {x: (left + right) / 2, y: (bottom + top) / 2, scale};
    this.draw();
  }

  extent(axis) {
    let low = Infinity, high = -Infinity;
    for (let k = axis; k < this.places.length; k += 2) {
      const value = this.places[k];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 0];
  }

  // Place of a hand in CSS px from the top left of the map.
  screenOf(row) {
    const {scale, left, top} = this.projection();
    return [
      (this.places[2 * row] * scale + left) / this.ratio, (top - this.places[2 * row + 1] * scale) / this.ratio,
    ];
  }

  pan(dx, dy) {
    const {x, y, scale} = this.view;
    this.view = {x: x - dx * this.ratio / scale, y: y + dy * this.ratio / scale, scale};
    this.drawMoving();
  }

  zoom(factor, left, top) {
    const {x, y, scale} = this.view, {width, height} = this.points;
    const limited = Math.min(Math.max(scale * factor, this.whole.scale / 2), this.whole.scale * 5000);
    const dx = left * this.ratio - width / 2, dy = height / 2 - top * this.ratio;
    this.view = {
      x: x + dx / scale - dx / limited, y: y + dy / scale - dy / limited, scale: limited,
    };
    this.drawMoving();
  }

  // The row of the hand next to a place in CSS px, or -1.
  rowAt(left, top) {
    const {width, height} = this.points, reach = Math.round(5 * this.ratio);
    const x0 = Math.round(left * this.ratio), y0 = Math.round(top * this.ratio);
    let best = -1, nearest = Infinity;
    for (let y = Math.max(0, y0 - reach); y <= Math.min(height - 1, y0 + reach); y++)
      for (let x = Math.max(0, x0 - reach); x <= Math.min(width - 1, x0 + reach); x++) {
        const distance = (x - x0) ** 2 + (y - y0) ** 2;
        if (distance < nearest && this.counts[y * width + x]) {
          nearest = distance;
          best = this.rows[y * width + x];
        }
      }
    return best;
  }

  // The rows of the shown hands inside a polygon of places in CSS px.
  rowsInside(polygon) {
    const {width, height} = this.points;
    const pen = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
    polygon.forEach(([left, top]) => pen.lineTo(left * this.ratio, top * this.ratio));
    pen.fill();
    const mask = pen.getImageData(0, 0, width, height).data, found = [];
    const {places, order} = this, {scale, left, top} = this.projection();
    for (let k = 0; k < order.length; k++) {
      const row = order[k];
      const px = Math.round(places[2 * row] * scale + left), py = Math.round(top - places[2 * row + 1] * scale);
      if (px >= 0 && py >= 0 && px < width && py < height && mask[4 * (py * width + px) + 3] > 127) found.push(row);
    }
    return found;
  }

  // From places to device px: x * scale + left, top - y * scale.
  projection() {
    const {x, y, scale} = this.view, {width, height} = this.points;
    return {scale, left: width / 2 - x * scale, top: height / 2 + y * scale};
  }

  draw() {
    if (this.pending || !this.image) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.drawPoints();
      this.drawMarks();
    });
  }

  // Draws some of the points at once, and all of them when the map rests.
  drawMoving() {
    clearTimeout(this.rest);
    this.limit = MOVING;
    this.draw();
    this.rest = setTimeout(() => { this.limit = Infinity; this.draw(); }, 200);
  }

  drawPoints() {
    const {counts, colors, rows, codes, flags, places, order} = this, {width, height} = this.points;
    const {scale, left, top} = this.projection();
    const radius = this.radius(), stamp = stampOf(radius, width), size = stamp.length;
    const count = Math.min(order.length, this.limit);
    counts.fill(0);
    for (let k = 0; k < count; k++) {
      const row = order[k];
      const px = Math.round(places[2 * row] * scale + left), py = Math.round(top - places[2 * row + 1] * scale);
      if (px < radius || py < radius || px >= width - radius || py >= height - radius) continue;
      const pixel = py * width + px, color = flags[row] || codes[row];
      for (let s = 0; s < size; s++) {
        const place = pixel + stamp[s];
        counts[place]++;
        colors[place] = color;
        rows[place] = row;
      }
    }
    this.colorImage(radius);
    this.points.getContext('2d').putImageData(this.image, 0, 0);
  }

  // Opaque where many hands are, lighter where few are.
  colorImage(radius) {
    const {counts, colors, palette} = this, data = this.image.data;
    let most = 1;
    for (let k = 0; k < counts.length; k++) if (counts[k] > most) most = counts[k];
    const least = radius > 2 ? 210 : 140, perLog = (255 - least) / Math.max(Math.log(most), 1);
    for (let k = 0, at = 0; k < counts.length; k++, at += 4) {
      const count = counts[k];
      if (!count) { data[at + 3] = 0; continue; }
      const color = 3 * colors[k];
      data[at] = palette[color];
      data[at + 1] = palette[color + 1];
      data[at + 2] = palette[color + 2];
      data[at + 3] = count === 1 ? least : least + perLog * Math.log(count);
    }
  }

  // Radius of a point in device px: smaller for many hands, larger when zoomed in.
  radius() {
    const zoom = Math.log2(this.view.scale / this.whole.scale);
    const base = 8.5 - 1.45 * Math.log10(Math.max(this.order.length, 100));
    return Math.round(Math.min(Math.max((base + zoom / 2) * this.ratio / 1.3, 0), 7 * this.ratio));
  }

  drawMarks() {
    const pen = this.marks.getContext('2d'), {row, positives, hovered, lasso} = this.focus;
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue('--ink'), accent = style.getPropertyValue('--accent');
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.marks.width, this.marks.height);
    pen.scale(this.ratio, this.ratio);
    const paper = style.getPropertyValue('--paper');
    const stroke = (color, width) => {  // with an edge, so that it is visible on points of any colour
      Object.assign(pen, {strokeStyle: paper, lineWidth: width + 2.5}).stroke();
      Object.assign(pen, {strokeStyle: color, lineWidth: width}).stroke();
    };
    const ring = (center, size, color, width) => {
      pen.beginPath();
      pen.arc(...center, size, 0, 7);
      stroke(color, width);
    };
    if (row >= 0 && this.isPlaced(row)) {
      const center = this.screenOf(row);
      const ends = positives.filter(other => this.isPlaced(other)).map(other => this.screenOf(other));
      for (const end of ends) {
        pen.beginPath();
        pen.moveTo(...center);
        pen.lineTo(...end);
        stroke(ink, 1);
      }
      ends.forEach(end => ring(end, 6, accent, 2));
      ring(center, 8, ink, 2.5);
    }
    if (hovered >= 0) ring(this.screenOf(hovered), 7, accent, 2);
    if (lasso.length) {
      pen.beginPath();
      lasso.forEach(point => pen.lineTo(...point));
      pen.closePath();
      Object.assign(pen, {strokeStyle: ink, lineWidth: 1.5, fillStyle: accent, globalAlpha: 0.15}).fill();
      pen.globalAlpha = 1;
      pen.stroke();
    }
  }

  isPlaced(row) { return Number.isFinite(this.places[2 * row]); }
}

// Offsets of the pixels of a disc.
function stampOf(radius, width) {
  const offsets = [];
  for (let y = -radius; y <= radius; y++)
    for (let x = -radius; x <= radius; x++)
      if (x * x + y * y <= (radius + 0.3) ** 2) offsets.push(y * width + x);
  return offsets;
}

function greatestDivisor(a, b) { return b ? greatestDivisor(b, a % b) : a; }
