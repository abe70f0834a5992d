// A GRU that ltdcheck can ask: one JSON message a line on stdin, one answer a line on stdout.
//
//   ltdcheck check "exec:node gru.js"
//
//   r = sigmoid(W_r x + U_r h + b_r),  z = sigmoid(W_z x + U_z h + b_z)
//   n = tanh(W_n x + U_n (r * h) + b_n),  h' = (1 - z) * n + z * h
//
// W_r, W_z, W_n (H, I); U_r, U_z, U_n (H, H); b_r, b_z, b_n (H); x (T, B, I); h (B, H). A row that ends before step T keeps
// its state from there on, and its outputs are 0.
"use strict";

// -- the network: each sequence is a list of steps, each step a list of rows ----------------------------------

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const zeros = (...sizes) =>
  sizes.length ? Array.from({ length: sizes[0] }, () => zeros(...sizes.slice(1))) : 0;
const affine = (W, x, U, h, b) => b.map((b_k, k) => b_k + dot(W[k], x) + dot(U[k], h));
const dot = (u, v) => u.reduce((sum, u_j, j) => sum + u_j * v[j], 0);

// Adds the gradients of a = W x + U h + b for one row.
function affineBack(da, W, x, U, h, dW, dU, db, dx, dh) {
  da.forEach((d, k) => {
    db[k] += d;
    x.forEach((x_j, j) => { dW[k][j] += d * x_j; dx[j] += d * W[k][j]; });
    h.forEach((h_j, j) => { dU[k][j] += d * h_j; dh[j] += d * U[k][j]; });
  });
}

function step(p, x, h) {
  const r = affine(p.W_r, x, p.U_r, h, p.b_r).map(sigmoid);
  const z = affine(p.W_z, x, p.U_z, h, p.b_z).map(sigmoid);
  const rh = h.map((h_k, k) => r[k] * h_k);
  const n = affine(p.W_n, x, p.U_n, rh, p.b_n).map(Math.tanh);
  const h_new = h.map((h_k, k) => (1 - z[k]) * n[k] + z[k] * h_k);
  return { x, h, r, z, rh, n, h_new };
}

// From dh' of one step: adds to the gradients of the parameters and to dx, and returns dh.
function stepBack(p, { x, h, r, z, rh, n }, dh_new, dp, dx) {
  const dn = dh_new.map((d, k) => d * (1 - z[k]) * (1 - n[k] ** 2));
  const dz = dh_new.map((d, k) => d * (h[k] - n[k]) * z[k] * (1 - z[k]));
  const dh = dh_new.map((d, k) => d * z[k]);
  const drh = zeros(h.length);
  affineBack(dn, p.W_n, x, p.U_n, rh, dp.W_n, dp.U_n, dp.b_n, dx, drh);
  const dr = drh.map((d, k) => d * h[k] * r[k] * (1 - r[k]));
  drh.forEach((d, k) => { dh[k] += d * r[k]; });
  affineBack(dz, p.W_z, x, p.U_z, h, dp.W_z, dp.U_z, dp.b_z, dx, dh);
  affineBack(dr, p.W_r, x, p.U_r, h, dp.W_r, dp.U_r, dp.b_r, dx, dh);
  return dh;
}

// -- arrays in messages: {"shape": [2, 3], "values": [..]}, row by row ----------------------------------------

// Number reads 0.1, "Infinity" and "NaN"; JSON has no numbers for the last two, and JSON.stringify loses -0.
const spell = (v) => (Object.is(v, -0) ? "-0.0" : Number.isFinite(v) ? v : String(v));

const read = (array, ...sizes) => {
  if (JSON.stringify(array.shape) !== JSON.stringify(sizes) || array.values.length !== count(sizes))
    throw new Error(`an array must have the shape ${JSON.stringify(sizes)} and as many values`);
  let next = 0;
  const part = ([size, ...rest]) =>
    size === undefined ? Number(array.values[next++]) : Array.from({ length: size }, () => part(rest));
  return part(sizes);
};
const count = (sizes) => sizes.reduce((product, size) => product * size, 1);
const write = (nested, ...sizes) => ({ shape: sizes, values: [nested].flat(Infinity).map(spell) });

// -- the protocol ---------------------------------------------------------------------------------------------

let I, H, T, B; // sizes
let shapes = null; // of the parameters, once started
let last = null; // what the last forward left: its parameters, and every step of every row, null after its end

const answers = {
  start({ input_size, hidden_size }) {
    [I, H, last] = [input_size, hidden_size, null];
    shapes = {};
    for (const gate of ["r", "z", "n"])
      Object.assign(shapes, { [`W_${gate}`]: [H, I], [`U_${gate}`]: [H, H], [`b_${gate}`]: [H] });
    return {
      name: "gru.js", version: "1", cells: ["gru"], precisions: ["float64"], numbers: "decimal",
      parameters: shapes, states: 1, backward: true, lengths: true,
    };
  },

  forward({ params, x, state, lengths }) {
    if (!shapes) throw new Error("'forward' needs a 'start' before it");
    last = null;
    [T, B] = x.shape;
    const p = {};
    for (const name in shapes) p[name] = read(params[name], ...shapes[name]);
    const ends = lengths ?? Array(B).fill(T);
    if (ends.length !== B || !ends.every((n) => Number.isInteger(n) && n >= 0 && n <= T))
      throw new Error(`lengths must be ${B} whole numbers from 0 to ${T}`);
    const steps = [];
    let h = state ? read(state[0], B, H) : zeros(B, H);
    for (const x_t of read(x, T, B, I)) {
      const rows = x_t.map((row, k) => (steps.length < ends[k] ? step(p, row, h[k]) : null));
      steps.push(rows);
      h = rows.map((row, k) => (row ? row.h_new : h[k]));
    }
    last = { p, steps };
    const y = steps.map((rows) => rows.map((row) => (row ? row.h_new : zeros(H))));
    return { y: write(y, T, B, H), state: [write(h, B, H)] };
  },

  backward({ dy, dstate }) {
    if (!last) throw new Error("'backward' needs a 'forward' before it");
    const { p, steps } = last;
    const d_out = read(dy, T, B, H);
    const dx = zeros(T, B, I);
    const dp = {};
    for (const name in shapes) dp[name] = zeros(...shapes[name]);
    let dh = read(dstate[0], B, H);
    for (let t = T - 1; t >= 0; t--)
      dh = dh.map((row, k) => {
        if (!steps[t][k]) return row; // it waits for the row's last step
        const dh_new = row.map((d, j) => d + d_out[t][k][j]); // from the next step, and from y
        return stepBack(p, steps[t][k], dh_new, dp, dx[t][k]);
      });
    const dparams = {};
    for (const name in shapes) dparams[name] = write(dp[name], ...shapes[name]);
    return { dx: write(dx, T, B, I), dstate: [write(dh, B, H)], dparams };
  },

  stop: () => ({}),
};

function answer(line) {
  let id = null;
  try {
    const message = JSON.parse(line);
    id = message.id ?? null;
    if (!Object.hasOwn(answers, message.message)) throw new Error("what is asked is not start, forward, backward or stop");
    return { id, ...answers[message.message](message) };
  } catch (error) {
    return { id, error: error.message };
  }
}

require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(JSON.stringify(answer(line)) + "\n", () => {
    if (/"message"\s*:\s*"stop"/.test(line)) process.exit(0);
  });
});
