// Drawn digits, made like MNIST's: strokes are scaled to fit a box of 20 by 20 pixels, whatever their size, and moved so
// that the centre of mass of the ink lies in the middle of 28 by 28. MNIST did this with scanned ink; here the lines
// themselves are moved and then inked, so that the ink is as thick as MNIST's on every screen.

const drawing = (() => {
  "use strict";

  const SIDE = 28;
  const BOX = 20;
  const RADIUS = 1.4; // of the pen, in pixels of the image: so a drawing has as much ink as a digit of MNIST
  const SOFT = 1.2; // over so many pixels the ink fades at its edge
  const SMALLEST = 0.15; // of the pad: what is smaller, such as a dot, is not blown up further

  // How far a point is from the line between two others.
  function distance(x, y, [ax, ay], [bx, by]) {
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
    return Math.hypot(x - ax - t * dx, y - ay - t * dy);
  }

  // Ink, from 0 to 1, of each pixel of 28 by 28 along strokes that are given in pixels.
  function ink(strokes) {
    const pixels = new Float64Array(SIDE * SIDE);
    const reach = RADIUS + SOFT / 2;
    for (const stroke of strokes) {
      for (let k = 0; k < stroke.length; k++) {
        const a = stroke[Math.max(0, k - 1)];
        const b = stroke[k];
        const from = (i) => Math.max(0, Math.floor(Math.min(a[i], b[i]) - reach));
        const to = (i) => Math.min(SIDE - 1, Math.ceil(Math.max(a[i], b[i]) + reach));
        for (let y = from(1); y <= to(1); y++) {
          for (let x = from(0); x <= to(0); x++) {
            const dark = (reach - distance(x + 0.5, y + 0.5, a, b)) / SOFT;
            pixels[SIDE * y + x] = Math.max(pixels[SIDE * y + x], Math.min(1, dark));
          }
        }
      }
    }
    return pixels;
  }

  function centreOfMass(pixels) {
    let [mass, x, y] = [0, 0, 0];
    pixels.forEach((p, i) => {
      mass += p;
      x += p * ((i % SIDE) + 0.5);
      y += p * (Math.floor(i / SIDE) + 0.5);
    });
    return mass ? [x / mass, y / mass] : [SIDE / 2, SIDE / 2];
  }

  // Strokes, lists of points [x, y] from 0 to 1, as an image like MNIST's.
  function asMnist(strokes) {
    const points = strokes.flat();
    if (!points.length) return new Float64Array(SIDE * SIDE);
    const range = (i) => [Math.min(...points.map((p) => p[i])), Math.max(...points.map((p) => p[i]))];
    const [[left, right], [top, bottom]] = [range(0), range(1)];
    const scale = (BOX - 2 * RADIUS) / Math.max(right - left, bottom - top, SMALLEST);
    const middle = [(left + right) / 2, (top + bottom) / 2];
    const placed = (dx, dy) =>
      strokes.map((s) => s.map(([x, y]) => [(x - middle[0]) * scale + dx, (y - middle[1]) * scale + dy]));
    const [x, y] = centreOfMass(ink(placed(SIDE / 2, SIDE / 2)));
    return ink(placed(SIDE - x, SIDE - y));
  }

  // Rub out what lies within a radius of a point; a stroke may fall apart.
  function rubbed(strokes, x, y, radius) {
    const left = [];
    for (const stroke of strokes) {
      let piece = [];
      for (const point of stroke) {
        if (Math.hypot(point[0] - x, point[1] - y) > radius) {
          piece.push(point);
        } else if (piece.length) {
          left.push(piece);
          piece = [];
        }
      }
      if (piece.length) left.push(piece);
    }
    return left;
  }

  // Go on with a stroke to a point, in steps so short that any part of it can be rubbed out.
  function extend(stroke, x, y, longest = 0.02) {
    const last = stroke[stroke.length - 1];
    if (!last) return void stroke.push([x, y]);
    const parts = Math.ceil(Math.hypot(x - last[0], y - last[1]) / longest);
    for (let k = 1; k <= parts; k++) {
      stroke.push([last[0] + ((x - last[0]) * k) / parts, last[1] + ((y - last[1]) * k) / parts]);
    }
  }

  return { SIDE, asMnist, centreOfMass, rubbed, extend };
})();
