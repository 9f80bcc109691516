# Fieldscope's device-side SDK as a part of a Zephyr application. SPDX-License-Identifier: MIT OR Apache-2.0
# In the application's CMakeLists.txt, after find_package(Zephyr): include(path/to/sdk/ports/zephyr/fieldscope.cmake)
get_filename_component(FIELDSCOPE_SDK ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
target_sources(app PRIVATE
  ${FIELDSCOPE_SDK}/fieldscope.c
  ${FIELDSCOPE_SDK}/ports/fs_store_noinit.c
  ${CMAKE_CURRENT_LIST_DIR}/fs_port_zephyr.c)
target_include_directories(app PRIVATE ${FIELDSCOPE_SDK} ${CMAKE_CURRENT_LIST_DIR})
# Zephyr warns about sections that its linker script does not name.
zephyr_linker_sources(SECTIONS ${CMAKE_CURRENT_LIST_DIR}/fieldscope.ld)
