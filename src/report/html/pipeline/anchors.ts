/** Where the page goes back to. */
export const stagesAnchor = 'stages';

/** Of a chapter, by its number, so that no text of a user is in it. */
export const chapterAnchor = (number: number): string => `chapter-${number}`;
