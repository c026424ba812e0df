'use client';

export { type SimilarItemsState, type UseSimilarItemsOptions, useSimilarItems } from './use-similar-items.ts';
