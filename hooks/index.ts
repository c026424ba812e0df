'use client';

export { SimilarItems, type SimilarItemsProps } from './similar-items.ts';
export { type SimilarItemsState, type UseSimilarItemsOptions, useSimilarItems } from './use-similar-items.ts';
