import { Module } from '@medusajs/framework/utils';
import SimiliService from './service';

export const SIMILI = 'simili';
export default Module(SIMILI, { service: SimiliService });
