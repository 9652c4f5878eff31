// Sizes in pixels that many modules share.

export const LABEL_SIZE = 9.5; // of the letters beside arrows
export const UNDER_BUTTONS = 52; // at the right edge, where buttons lie
