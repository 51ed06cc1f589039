/** Pieces of text that are drawn over one another in the main part of a page. */
import type { Page } from 'playwright-core';

/** Pairs "a × b" of texts in view whose boxes overlap by more than rounding; parts cut off by a frame do not count. */
export function overlappingText(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    interface Box {
      readonly element: Element;
      readonly text: string;
      readonly rect: DOMRect;
    }
    const intersection = (a: DOMRect, b: DOMRect): DOMRect => {
      const left = Math.max(a.left, b.left);
      const top = Math.max(a.top, b.top);
      return new DOMRect(
        left,
        top,
        Math.max(0, Math.min(a.right, b.right) - left),
        Math.max(0, Math.min(a.bottom, b.bottom) - top),
      );
    };
    const visiblePart = (rect: DOMRect, element: Element): DOMRect => {
      let part = intersection(rect, new DOMRect(0, 0, innerWidth, innerHeight));
      for (let frame: Element | null = element; frame; frame = frame.parentElement) {
        if (getComputedStyle(frame).overflowX !== 'visible') part = intersection(part, frame.getBoundingClientRect());
      }
      return part;
    };
    const boxes: Box[] = [];
    const walker = document.createTreeWalker(document.querySelector('main')!, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement!;
      const text = node.textContent!.trim();
      if (text === '' || element.closest('.visually-hidden, svg, [aria-hidden="true"]')) continue;
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) boxes.push({ element, text, rect: visiblePart(rect, element) });
    }
    const pairs = boxes.flatMap((a, i) =>
      boxes.slice(i + 1).flatMap((b) => {
        const { width, height } = intersection(a.rect, b.rect);
        return a.element !== b.element && width > 2 && height > 5 ? [`${a.text} × ${b.text}`] : [];
      }),
    );
    return [...new Set(pairs)];
  });
}
