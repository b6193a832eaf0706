export const scene = {};
