// Sizes in pixels that many modules share.

export const LABEL_SIZE = 9.5; // of the letters beside arrows
export const UNDER_BUTTONS = 52; // at the right edge, where buttons lie
export const APART = 24, // between arrows that end side by side
  OFF_CORNERS = 6, // how far the outermost ends keep from the corners of the box
  BESIDE_TITLE = 8; // between a frame's title and an arrow
