/* The words of the ESP32-S3's vector unit that are carried out here: name, operands, the immediate's unit in bytes, and
 * the bits, the most significant first. Of every word: 24 bits, or 32 where bits 3 to 1 are ones.
 *
 * Operands: u register that is loaded (or set), z result, v stored, x and y factors or terms, s and t a pair; a address
 * or other input, d second address or output, both of the base instruction set; i immediate, n selector. Units of 1 and
 * 2 bytes are counted from 0, the others from the middle of the field's range.
 *
 * From this table come the emulation's decoder, the macros of mcuq_s3_asm.h (tools/s3_words.py) and the tests' decoder.
 */
#ifndef MCUQ_S3_WORDS_H
#define MCUQ_S3_WORDS_H
/* clang-format off */

#define MCUQ_S3_WORDS(WORD) \
    WORD(vld_128_ip, "ee.vld.128.ip u, a, i", 16, "1 i[7] u[2:1] 0011 u[0] i[6:0] a[3:0] 0100") \
    WORD(vld_128_xp, "ee.vld.128.xp u, a, d", 0, "10 u[2:1] 1101 u[0] 010 d[3:0] a[3:0] 0100") \
    WORD(ld_128_usar_ip, "ee.ld.128.usar.ip u, a, i", 16, "1 i[7] u[2:1] 0001 u[0] i[6:0] a[3:0] 0100") \
    WORD(ld_128_usar_xp, "ee.ld.128.usar.xp u, a, d", 0, "10 u[2:1] 1101 u[0] 000 d[3:0] a[3:0] 0100") \
    WORD(vld_l_64_ip, "ee.vld.l.64.ip u, a, i", 8, "1 i[7] u[2:1] 1001 u[0] i[6:0] a[3:0] 0100") \
    WORD(vld_h_64_ip, "ee.vld.h.64.ip u, a, i", 8, "1 i[7] u[2:1] 1000 u[0] i[6:0] a[3:0] 0100") \
    WORD(vldbc_8, "ee.vldbc.8 u, a", 0, "11 u[2:1] 1101 u[0] 0111011 a[3:0] 0100") \
    WORD(vldbc_8_ip, "ee.vldbc.8.ip u, a, i", 1, "11 u[2:1] 0101 u[0] i[6:0] a[3:0] 0100") \
    WORD(vldbc_8_xp, "ee.vldbc.8.xp u, a, d", 0, "10 u[2:1] 1101 u[0] 101 d[3:0] a[3:0] 0100") \
    WORD(vldbc_16_ip, "ee.vldbc.16.ip u, a, i", 2, "10 u[2:1] 0101 u[0] i[6:0] a[3:0] 0100") \
    WORD(vldbc_32_ip, "ee.vldbc.32.ip u, a, i", 4, "1 i[7] u[2:1] 0010 u[0] i[6:0] a[3:0] 0100") \
    WORD(vst_128_ip, "ee.vst.128.ip v, a, i", 16, "1 i[7] v[2:1] 1010 v[0] i[6:0] a[3:0] 0100") \
    WORD(vst_128_xp, "ee.vst.128.xp v, a, d", 0, "10 v[2:1] 1101 v[0] 111 d[3:0] a[3:0] 0100") \
    WORD(vst_l_64_ip, "ee.vst.l.64.ip v, a, i", 8, "1 i[7] v[2:1] 0100 v[0] i[6:0] a[3:0] 0100") \
    WORD(vst_h_64_ip, "ee.vst.h.64.ip v, a, i", 8, "1 i[7] v[2:1] 1011 v[0] i[6:0] a[3:0] 0100") \
    WORD(ld_qr, "ld.qr u, a, i", 16, "11 u[2:1] 1101 u[0] 010 i[3:0] a[3:0] 0100") \
    WORD(st_qr, "st.qr v, a, i", 16, "11 v[2:1] 1101 v[0] 110 i[3:0] a[3:0] 0100") \
    WORD(mv_qr, "mv.qr z, s", 0, "10 z[2:1] 1111 z[0] 000 s[2:1] 0000 s[0] 00100") \
    WORD(zero_q, "ee.zero.q z", 0, "11 z[2:1] 1101 z[0] 111111110100100") \
    WORD(zero_accx, "ee.zero.accx", 0, "001001010000100000000100") \
    WORD(zero_qacc, "ee.zero.qacc", 0, "001001010000100001000100") \
    WORD(src_q, "ee.src.q z, s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 00110 z[2:0] 0100") \
    WORD(src_q_qup, "ee.src.q.qup z, s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 01110 z[2:0] 0100") \
    WORD(src_q_ld_ip, "ee.src.q.ld.ip u, a, i, s, t", 16, \
         "111000 i[7:6] i[2] t[2:0] i[5] u[2:0] s[1:0] i[4:3] 00 i[1:0] a[3:0] 111 s[2]") \
    WORD(srcq_128_st_incp, "ee.srcq.128.st.incp s, t, a", 0, "11 t[2:1] 1100 t[0] s[2:0] 1110 a[3:0] 0100") \
    WORD(vmulas_s8_accx, "ee.vmulas.s8.accx x, y", 0, "000110100 y[2] 0 y[1:0] x[2:0] 11000100") \
    WORD(vmulas_s8_accx_ld_ip, "ee.vmulas.s8.accx.ld.ip u, a, i, x, y", 16, \
         "1111 i[5:4] u[2:1] y[0] 000 u[0] 010 x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s8_accx_ld_xp, "ee.vmulas.s8.accx.ld.xp u, a, d, x, y", 0, \
         "111100 u[2:1] y[0] 001 u[0] 010 x[1:0] y[2:1] d[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s8_accx_ld_ip_qup, "ee.vmulas.s8.accx.ld.ip.qup u, a, i, x, y, s, t", 16, \
         "0010 i[5:4] u[2:1] y[0] s[2:0] u[0] t[2:0] x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s8_qacc, "ee.vmulas.s8.qacc x, y", 0, "000110100 y[2] 1 y[1:0] x[2:0] 11000100") \
    WORD(vmulas_s8_qacc_ld_ip, "ee.vmulas.s8.qacc.ld.ip u, a, i, x, y", 16, \
         "1111 i[5:4] u[2:1] y[0] 000 u[0] 011 x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s8_qacc_ld_xp, "ee.vmulas.s8.qacc.ld.xp u, a, d, x, y", 0, \
         "111100 u[2:1] y[0] 001 u[0] 011 x[1:0] y[2:1] d[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s8_qacc_ldbc_incp, "ee.vmulas.s8.qacc.ldbc.incp u, a, x, y", 0, \
         "101 u[2] 0111 u[1] y[2] u[0] y[1:0] x[2:0] a[3:0] 0100") \
    WORD(vmulas_s8_qacc_ld_ip_qup, "ee.vmulas.s8.qacc.ld.ip.qup u, a, i, x, y, s, t", 16, \
         "0011 i[5:4] u[2:1] y[0] s[2:0] u[0] t[2:0] x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vsmulas_s8_qacc, "ee.vsmulas.s8.qacc x, y, n", 0, "10 n[3:2] 1110 n[1] y[2] 0 y[1:0] x[2:0] 010 n[0] 0100") \
    WORD(vsmulas_s8_qacc_ld_incp, "ee.vsmulas.s8.qacc.ld.incp u, a, x, y, n", 0, \
         "111000 u[2:1] y[0] 01 n[0] u[0] n[3:1] x[1:0] y[2:1] 1100 a[3:0] 111 x[2]") \
    WORD(vmulas_s16_accx, "ee.vmulas.s16.accx x, y", 0, "000110100 y[2] 0 y[1:0] x[2:0] 10000100") \
    WORD(vmulas_s16_accx_ld_ip, "ee.vmulas.s16.accx.ld.ip u, a, i, x, y", 16, \
         "1111 i[5:4] u[2:1] y[0] 000 u[0] 000 x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vmulas_s16_qacc, "ee.vmulas.s16.qacc x, y", 0, "000110100 y[2] 1 y[1:0] x[2:0] 10000100") \
    WORD(vmulas_s16_qacc_ld_ip, "ee.vmulas.s16.qacc.ld.ip u, a, i, x, y", 16, \
         "1111 i[5:4] u[2:1] y[0] 000 u[0] 001 x[1:0] y[2:1] i[3:0] a[3:0] 111 x[2]") \
    WORD(vsmulas_s16_qacc, "ee.vsmulas.s16.qacc x, y, n", 0, "10 n[2:1] 1110 n[0] y[2] 1 y[1:0] x[2:0] 11000100") \
    WORD(vsmulas_s16_qacc_ld_incp, "ee.vsmulas.s16.qacc.ld.incp u, a, x, y, n", 0, \
         "111000 u[2:1] y[0] 111 u[0] n[2:0] x[1:0] y[2:1] 1100 a[3:0] 111 x[2]") \
    WORD(vmul_s8, "ee.vmul.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 10010100") \
    WORD(vmul_s16, "ee.vmul.s16 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 10000100") \
    WORD(srcmb_s8_qacc, "ee.srcmb.s8.qacc u, a, n", 0, "11 u[2:1] 1101 u[0] 1111 n[0] 10 a[3:0] 0100") \
    WORD(srcmb_s16_qacc, "ee.srcmb.s16.qacc u, a, n", 0, "11 u[2:1] 1101 u[0] 1110 n[0] 10 a[3:0] 0100") \
    WORD(srs_accx, "ee.srs.accx d, a, n", 0, "011111100 n[0] 01 d[3:0] a[3:0] 0100") \
    WORD(rur_accx_0, "rur.accx_0 d", 0, "11100011 d[3:0] 000000000000") \
    WORD(rur_accx_1, "rur.accx_1 d", 0, "11100011 d[3:0] 000000010000") \
    WORD(st_qacc_l_l_128_ip, "ee.st.qacc_l.l.128.ip a, i", 16, "0 i[7] 0011000 i[6:0] a[3:0] 0100") \
    WORD(st_qacc_l_h_32_ip, "ee.st.qacc_l.h.32.ip a, i", 4, "0 i[7] 0111010 i[6:0] a[3:0] 0100") \
    WORD(st_qacc_h_l_128_ip, "ee.st.qacc_h.l.128.ip a, i", 16, "0 i[7] 0011010 i[6:0] a[3:0] 0100") \
    WORD(st_qacc_h_h_32_ip, "ee.st.qacc_h.h.32.ip a, i", 4, "0 i[7] 0100100 i[6:0] a[3:0] 0100") \
    WORD(ld_qacc_l_l_128_ip, "ee.ld.qacc_l.l.128.ip a, i", 16, "0 i[7] 0000000 i[6:0] a[3:0] 0100") \
    WORD(ld_qacc_l_h_32_ip, "ee.ld.qacc_l.h.32.ip a, i", 4, "0 i[7] 0101100 i[6:0] a[3:0] 0100") \
    WORD(ld_qacc_h_l_128_ip, "ee.ld.qacc_h.l.128.ip a, i", 16, "0 i[7] 0001100 i[6:0] a[3:0] 0100") \
    WORD(ld_qacc_h_h_32_ip, "ee.ld.qacc_h.h.32.ip a, i", 4, "0 i[7] 0111100 i[6:0] a[3:0] 0100") \
    WORD(ldqa_s8_128_ip, "ee.ldqa.s8.128.ip a, i", 16, "0 i[7] 0100010 i[6:0] a[3:0] 0100") \
    WORD(ldqa_s16_128_ip, "ee.ldqa.s16.128.ip a, i", 16, "0 i[7] 0000010 i[6:0] a[3:0] 0100") \
    WORD(mov_s8_qacc, "ee.mov.s8.qacc s", 0, "11 s[2:1] 1101 s[0] 111111100110100") \
    WORD(mov_s16_qacc, "ee.mov.s16.qacc s", 0, "11 s[2:1] 1101 s[0] 111111100100100") \
    WORD(movi_32_a, "ee.movi.32.a s, d, n", 0, "11 s[2:1] 1101 s[0] 111 n[1:0] 01 d[3:0] 0100") \
    WORD(movi_32_q, "ee.movi.32.q u, a, n", 0, "11 u[2:1] 1101 u[0] 011 n[1:0] 10 a[3:0] 0100") \
    WORD(vzip_8, "ee.vzip.8 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001111010100") \
    WORD(vzip_16, "ee.vzip.16 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001110110100") \
    WORD(vzip_32, "ee.vzip.32 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001111000100") \
    WORD(vunzip_8, "ee.vunzip.8 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001110100100") \
    WORD(vunzip_16, "ee.vunzip.16 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001110000100") \
    WORD(vunzip_32, "ee.vunzip.32 s, t", 0, "11 t[2:1] 1100 t[0] s[2:0] 001110010100") \
    WORD(vadds_s8, "ee.vadds.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 10000100") \
    WORD(vadds_s16, "ee.vadds.s16 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 01100100") \
    WORD(vadds_s32, "ee.vadds.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 01110100") \
    WORD(vadds_s8_ld_incp, "ee.vadds.s8.ld.incp u, a, z, x, y", 0, \
         "111000 u[2:1] y[0] 001 u[0] z[2:0] x[1:0] y[2:1] 1100 a[3:0] 111 x[2]") \
    WORD(vsubs_s8, "ee.vsubs.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 11110100") \
    WORD(vsubs_s16, "ee.vsubs.s16 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 11010100") \
    WORD(vsubs_s32, "ee.vsubs.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 11100100") \
    WORD(vmin_s8, "ee.vmin.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 01110100") \
    WORD(vmin_s32, "ee.vmin.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 01100100") \
    WORD(vmax_s8, "ee.vmax.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 01000100") \
    WORD(vmax_s32, "ee.vmax.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 00110100") \
    WORD(vmax_s8_st_incp, "ee.vmax.s8.st.incp v, a, z, x, y", 0, \
         "11100101 y[0] v[2:0] 1 z[2:0] x[1:0] y[2:1] 0000 a[3:0] 111 x[2]") \
    WORD(vcmp_lt_s8, "ee.vcmp.lt.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 00010100") \
    WORD(vcmp_eq_s8, "ee.vcmp.eq.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 10110100") \
    WORD(vcmp_gt_s8, "ee.vcmp.gt.s8 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 11100100") \
    WORD(vcmp_lt_s16, "ee.vcmp.lt.s16 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 11110100") \
    WORD(vcmp_lt_s32, "ee.vcmp.lt.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 1 y[1:0] x[2:0] 00000100") \
    WORD(vcmp_gt_s32, "ee.vcmp.gt.s32 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 11010100") \
    WORD(andq, "ee.andq z, x, y", 0, "11 z[2:1] 1101 z[0] 011 y[2:1] 00 x[2:1] y[0] x[0] 0100") \
    WORD(orq, "ee.orq z, x, y", 0, "11 z[2:1] 1101 z[0] 111 y[2:1] 00 x[2:1] y[0] x[0] 0100") \
    WORD(xorq, "ee.xorq z, x, y", 0, "11 z[2:1] 1101 z[0] 011 y[2:1] 01 x[2:1] y[0] x[0] 0100") \
    WORD(notq, "ee.notq z, x", 0, "11 z[2:1] 1101 z[0] 1111111 x[2:1] 0 x[0] 0100") \
    WORD(vsl_32, "ee.vsl.32 z, s", 0, "11 s[2:1] 1101 s[0] 01111110 z[2:0] 0100") \
    WORD(vsr_32, "ee.vsr.32 z, s", 0, "11 s[2:1] 1101 s[0] 01111111 z[2:0] 0100") \
    WORD(vrelu_s8, "ee.vrelu.s8 s, a, d", 0, "11 s[2:1] 1101 s[0] 101 a[3:0] d[3:0] 0100") \
    WORD(wur_sar_byte, "wur.sar_byte d", 0, "1111001100001101 d[3:0] 0000") \
    WORD(rur_sar_byte, "rur.sar_byte d", 0, "11100011 d[3:0] 000011010000") \
    WORD(vcmp_gt_s16, "ee.vcmp.gt.s16 z, x, y", 0, "10 z[2:1] 1110 z[0] y[2] 0 y[1:0] x[2:0] 11000100")

/* clang-format on */

#endif
