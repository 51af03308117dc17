// Predictive coding in plain JavaScript: the sweeps, the energy and inference of the package, under the book's names.
// z, e and d are lists from the label, layer 0, to the image, layer L; f predicts downwards, g upwards; alpha_gen and
// alpha_disc weigh the errors. One example at a time, in double precision; the weights are as the package has them.
// A classic script: it works from a disk, and inside a worker. Chapters 1 to 4 derive what stands here.

const bpc = (() => {
  "use strict";

  // What makes a model of predictive coding: which errors move the activities, e and d, and where inference starts.
  const RULES = {
    bidirectional: { name: "BPC", moves: [1, 1], start: "image" },
    hybrid: { name: "HPC", moves: [1, 0], start: "image" },
    generative: { name: "genPC", moves: [1, 0], start: "label" },
    discriminative: { name: "discPC", moves: [0, 1], start: "image" },
  };

  // An activation and its slope. The steepest slope of each is 1, which `layerSteps` relies on.
  const ACTIVATIONS = {
    linear: { of: (z) => z, slope: () => 1 },
    relu: { of: (z) => (z > 0 ? z : 0), slope: (z) => (z > 0 ? 1 : 0) },
    leaky_relu: { of: (z) => (z > 0 ? z : 0.01 * z), slope: (z) => (z > 0 ? 1 : 0.01) },
    tanh: { of: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  };

  // Reading what `python -m bpc_minimal export` wrote.

  function bytes(text) {
    const binary = atob(text);
    const found = new Uint8Array(binary.length);
    for (let i = 0; i < found.length; i++) found[i] = binary.charCodeAt(i);
    return found;
  }

  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  }

  function numbers(text, kind) {
    const view = new DataView(bytes(text).buffer);
    const size = kind === "float16" ? 2 : 4;
    const found = new Float32Array(view.byteLength / size);
    for (let i = 0; i < found.length; i++) {
      found[i] = size === 2 ? half(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
    }
    return found;
  }

  function read(stored) {
    if (!(stored.activation in ACTIVATIONS)) {
      throw new Error(`activation ${stored.activation} given, one of ${Object.keys(ACTIVATIONS).join(", ")} expected`);
    }
    const map = ({ weight, bias, norm }, inputs, outputs) => {
      const W = numbers(weight, stored.numbers);
      return { W, bias: bias ? numbers(bias, stored.numbers) : new Float32Array(outputs), norm, inputs, outputs };
    };
    const sizes = stored.sizes;
    return {
      sizes,
      L: sizes.length - 1,
      activation: ACTIVATIONS[stored.activation],
      generator: stored.generator.map((m, l) => map(m, sizes[l], sizes[l + 1])),
      amortiser: stored.amortiser.map((m, l) => map(m, sizes[l + 1], sizes[l])),
    };
  }

  // The two predictions: W act(z) + bias, and at the label and at the image act is z itself.

  const rates = (network, l, z) => (l === 0 || l === network.L ? z : z.map(network.activation.of));

  function linear({ W, bias, inputs, outputs }, x) {
    const y = new Float64Array(outputs);
    for (let i = 0, at = 0; i < outputs; i++) {
      let sum = bias[i];
      for (let j = 0; j < inputs; j++) sum += W[at++] * x[j];
      y[i] = sum;
    }
    return y;
  }

  const f = (network, l, z) => linear(network.generator[l], rates(network, l, z)); // of layer l + 1, from above
  const g = (network, l, z) => linear(network.amortiser[l], rates(network, l + 1, z)); // of layer l, from below

  function sweepDown(network, label) {
    const z = [Float64Array.from(label)];
    for (let l = 0; l < network.L; l++) z.push(f(network, l, z[l]));
    return z;
  }

  function sweepUp(network, image) {
    const z = [Float64Array.from(image)];
    for (let l = network.L - 1; l >= 0; l--) z.unshift(g(network, l, z[0]));
    return z;
  }

  // Where inference starts: a sweep from the end that the rule names, or from the other if only that is there.
  // `label` and `image` are null where nothing is given; without either, the mean of all labels is swept down.

  function start(network, rule, label, image) {
    const n = network.sizes[0];
    const fromImage = image && (rule.start === "image" || (!label && rule.moves[1]));
    const z = fromImage ? sweepUp(network, image) : sweepDown(network, label ?? new Float64Array(n).fill(1 / n));
    if (label) z[0] = Float64Array.from(label);
    if (image) z[network.L] = Float64Array.from(image);
    return z;
  }

  // Errors, energy, gradient.

  const minus = (a, b) => a.map((x, i) => x - b[i]);

  function errors(network, z) {
    const L = network.L;
    return {
      e: z.map((z_l, l) => (l > 0 ? minus(z_l, f(network, l - 1, z[l - 1])) : new Float64Array(z_l.length))),
      d: z.map((z_l, l) => (l < L ? minus(z_l, g(network, l, z[l + 1])) : new Float64Array(z_l.length))),
    };
  }

  // A precision for each layer's e, and one for its d; what the rule does not move by weighs nothing.
  function precisions(network, rule, alpha_gen, alpha_disc) {
    const layers = Array.from({ length: network.L + 1 }, (_, l) => l);
    return {
      gen: layers.map((l) => (l > 0 ? rule.moves[0] * alpha_gen : 0)),
      disc: layers.map((l) => (l < network.L ? rule.moves[1] * alpha_disc : 0)),
    };
  }

  const halfSquares = (alpha, error) => (alpha ? (alpha / 2) * error.reduce((sum, x) => sum + x * x, 0) : 0);

  // E = sum of alpha_gen_l / 2 |e_l|^2 + alpha_disc_l / 2 |d_l|^2, in its two parts.
  function energy({ e, d }, { gen, disc }) {
    const parts = { e: 0, d: 0 };
    e.forEach((e_l, l) => (parts.e += halfSquares(gen[l], e_l)));
    d.forEach((d_l, l) => (parts.d += halfSquares(disc[l], d_l)));
    return parts;
  }

  function addTransposed({ W, inputs, outputs }, alpha, error, sum) {
    for (let i = 0, at = 0; i < outputs; i++, at += inputs) {
      const weighed = alpha * error[i];
      if (weighed) for (let j = 0; j < inputs; j++) sum[j] += W[at + j] * weighed;
    }
  }

  // dE/dz_l = gen_l e_l + disc_l d_l - act'(z_l) (gen_{l+1} V_l^T e_{l+1} + disc_{l-1} W_{l-1}^T d_{l-1})
  function gradient(network, z, { e, d }, { gen, disc }, l) {
    const L = network.L;
    const sentBack = new Float64Array(z[l].length);
    if (l < L && gen[l + 1]) addTransposed(network.generator[l], gen[l + 1], e[l + 1], sentBack);
    if (l > 0 && disc[l - 1]) addTransposed(network.amortiser[l - 1], disc[l - 1], d[l - 1], sentBack);
    const slope = l === 0 || l === L ? () => 1 : network.activation.slope;
    return z[l].map((z_i, i) => gen[l] * e[l][i] + disc[l] * d[l][i] - slope(z_i) * sentBack[i]);
  }

  // Each layer's step: the rate over a bound of the curvature along its activities. Up to a rate of 1 no step can
  // raise the energy while the active units stay the same.
  function layerSteps(network, { gen, disc }, rate) {
    const L = network.L;
    return gen.map((_, l) => {
      let bound = gen[l] + disc[l];
      if (l < L) bound += gen[l + 1] * network.generator[l].norm ** 2;
      if (l > 0) bound += disc[l - 1] * network.amortiser[l - 1].norm ** 2;
      return rate / Math.max(bound, 1e-12);
    });
  }

  // One step of inference, all layers at once: z_l <- z_l - step_l dE/dz_l where nothing is clamped. `clamped` is, for
  // each layer, true, false, or a list that says so of each unit. `found` are the errors at z.
  function descend(network, z, found, clamped, alphas, steps) {
    return z.map((z_l, l) => {
      if (clamped[l] === true) return z_l;
      const slope = gradient(network, z, found, alphas, l);
      const stays = clamped[l] || [];
      return z_l.map((z_i, i) => (stays[i] ? z_i : z_i - steps[l] * slope[i]));
    });
  }

  // Pixels from 0 to 1, and the activities of the image layer.
  const normalise = (pixels, { pixel_mean, pixel_std }) =>
    Float64Array.from(pixels, (p) => (p - pixel_mean) / pixel_std);
  const denormalise = (z, { pixel_mean, pixel_std }) => z.map((x) => x * pixel_std + pixel_mean);
  const oneHot = (label, n = 10) => Float64Array.from({ length: n }, (_, k) => (k === label ? 1 : 0));
  const argmax = (z) => z.reduce((best, x, k) => (x > z[best] ? k : best), 0);

  return {
    RULES, bytes, read, f, g, sweepDown, sweepUp, start, errors, precisions, energy, gradient, layerSteps, descend,
    normalise, denormalise, oneHot, argmax,
  };
})();
